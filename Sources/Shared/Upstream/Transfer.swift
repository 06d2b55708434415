internal import CCurl
package import EventLoop

/// One request on its way to an upstream, and its response on the way back. Made by `UpstreamClient.start`.
@LoopActor
package final class Transfer {
    private let client: UpstreamClient
    private var delegate: (any TransferDelegate)?
    /// nil once the transfer has ended or was cancelled.
    private(set) var handle: EasyHandle?
    private var reader = HeadReader()
    private var isHeadWaiting = false
    private var waiting: ReceiveBuffer?
    private var outcome: TransferOutcome?
    private var lastTimings = TransferTimings()
    /// Set when we refused to go on, of which libcurl knows no reason.
    private var refusal: TransferFailure.Kind?
    /// The connection carries other streams too.
    private var sharesConnection = false
    /// In the client's list of transfers that have something to tell.
    var isDirty = false
    /// The one behind it in that list.
    var nextDirty: Transfer?
    package private(set) var isPaused = false

    init(client: UpstreamClient, delegate: any TransferDelegate) {
        self.client = client
        self.delegate = delegate
    }

    /// Stops reading from the peer, which then has to wait; what was read already may still be handed over.
    ///
    /// On HTTP/2 libcurl would stop reading for every stream of the connection, and one slow reader would hold up all
    /// others. There the bytes are held here instead, and a transfer that is too far behind fails as `.overrun`.
    package func pause() {
        guard !isPaused else { return }
        isPaused = true
        // Before the head is there nobody knows which of the two it is; `took` decides then.
        if let handle, reader.isComplete, !sharesConnection { unsafe client.pause(handle.raw, true) }
    }

    /// Goes on after `pause()`.
    package func resume() {
        guard isPaused else { return }
        isPaused = false
        if let handle, !sharesConnection { unsafe client.pause(handle.raw, false) }
        if waiting != nil || outcome != nil { client.noteDirty(self) }
    }

    /// Ends the transfer at once: the connection is closed, or the HTTP/2 stream reset. The delegate hears nothing more.
    package func cancel() {
        delegate = nil
        outcome = nil
        if let waiting { client.buffers.give(back: waiting) }
        waiting = nil
        guard let handle else { return }
        lastTimings = handle.timings
        self.handle = nil
        client.abandon(handle)
    }

    /// Gives the memory of the request's body back, for those who still have to wait long for the rest of the response.
    /// Does nothing while libcurl may need the body.
    package func releaseRequestBody() {
        guard reader.isComplete else { return }
        handle?.releaseBody()
    }

    package var timings: TransferTimings { handle?.timings ?? lastTimings }

    /// Whether any byte of the request may have reached the peer; for those who are about to cancel.
    package var sentRequest: Bool { handle?.hasSent ?? true }

    // MARK: From libcurl, by way of the handle and the client

    func attach(_ handle: EasyHandle) {
        self.handle = handle
        handle.transfer = self
    }

    func tookHeaderLine(_ line: UnsafeRawBufferPointer) -> Int {
        switch unsafe reader.take(line, limit: client.options.maxHeadBytes) {
        case .incomplete:
            return line.count
        case .complete:
            isHeadWaiting = true
            sharesConnection = handle?.isHTTP2 ?? false
            client.noteDirty(self)
            return line.count
        case .tooLarge:
            refusal = .tooLarge
            return 0
        }
    }

    func took(_ bytes: UnsafeRawBufferPointer) -> Int {
        if isPaused {
            // libcurl keeps what it could not deliver, and stops reading.
            guard sharesConnection else { return Int(CURL_WRITEFUNC_PAUSE) }
            guard waitingBytes + bytes.count <= client.options.maxHeldBytes else {
                refusal = .overrun
                return 0
            }
        }
        let buffer: ReceiveBuffer
        if let waiting {
            buffer = waiting
        } else {
            buffer = client.buffers.take()
            waiting = buffer
            client.noteDirty(self)
        }
        unsafe buffer.append(bytes)
        return bytes.count
    }

    /// libcurl was told not to read from the connection.
    var isHeldByLibrary: Bool { isPaused && !sharesConnection }

    /// How many bytes wait for the delegate.
    var waitingBytes: Int { waiting?.count ?? 0 }

    /// libcurl is done with the transfer.
    func ended(_ code: CURLcode) {
        guard let handle else { return }
        lastTimings = handle.timings
        if code == CURLE_OK {
            // To libcurl a connection that closes inside the head is a response without a body.
            let cut = TransferFailure(.cut, "the connection was closed inside the head", sentRequest: true)
            outcome = reader.isComplete ? .complete : .failed(cut)
        } else {
            var failure = handle.failure(code)
            if let refusal { failure.kind = refusal }
            outcome = .failed(failure)
        }
        self.handle = nil
        client.noteDirty(self)
    }

    /// The transfer fails for a reason of ours.
    func fail(_ failure: TransferFailure) {
        outcome = .failed(failure)
        handle = nil
        client.noteDirty(self)
    }

    /// Tells the delegate what the turn brought. Any of the calls may cancel, after which there is no delegate.
    func deliver() {
        isDirty = false
        if isHeadWaiting {
            isHeadWaiting = false
            delegate?.transferReceivedHead(reader.takeHead())
        }
        // Only a stream on a shared connection can have something to hold.
        if isPaused, sharesConnection { return }
        if let buffer = waiting {
            waiting = nil
            client.statistics.receivedBytes += buffer.count
            unsafe delegate?.transferReceived(buffer.bytes)
            client.buffers.give(back: buffer)
        }
        if let outcome, let delegate {
            self.outcome = nil
            self.delegate = nil
            delegate.transferEnded(outcome)
        }
    }
}
