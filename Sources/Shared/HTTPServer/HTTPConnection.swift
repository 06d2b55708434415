internal import Core
internal import EventLoop
internal import HTTPCodec

/// One client connection: feeds the parser, runs one exchange at a time, keeps the clocks.
@LoopActor
final class HTTPConnection: StreamSocketDelegate {
    private enum Phase {
        /// Reading the next request, if any comes.
        case reading
        /// A request is being answered.
        case answering
        /// The last bytes are on their way; whatever still arrives is thrown away.
        case lingering
        case closed
    }

    private let server: HTTPServer
    private let socket: StreamSocket
    private var parser: RequestParser
    private var phase = Phase.reading
    private var exchange: Exchange?
    private var head: RequestHead?
    private var keepsAlive = true
    private var isProcessing = false
    private var closesWhenFlushed = false
    private lazy var timer = DeadlineTimer { [unowned self] in deadlinePassed() }
    private var readingSince = LoopClock.turn

    init(socket: StreamSocket, server: HTTPServer) {
        self.server = server
        self.socket = socket
        parser = RequestParser(limits: server.options.limits)
        socket.delegate = self
        socket.startReading()
        watchClock()
    }

    /// Between requests, with nothing half read.
    var isIdle: Bool { phase == .reading && parser.isIdle }

    var unsentBytes: Int { socket.pendingBytes }

    /// Bytes that have not reached the client, as far as the system can tell.
    var untakenBytes: Int { socket.pendingBytes + socket.bytesInSystem }

    // MARK: What the socket says

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        switch phase {
        case .reading:
            if parser.isIdle { readingSince = LoopClock.turn }
            unsafe parser.receive(bytes)
            process()
        case .answering:
            unsafe parser.receive(bytes)
            if parser.bufferedBytes > server.options.pipelinedBytes { socket.stopReading() }
        case .lingering, .closed:
            break
        }
    }

    /// A client that ends its side has gone: proxies and SDKs close, nobody waits half-closed for a stream. An answer that
    /// is complete and on its way is delivered all the same.
    func socketReachedEnd() {
        if phase == .answering {
            close()
        } else {
            closeWhenFlushed()
        }
    }

    func socketFailed(_ error: LoopError) { close() }

    func socketDrained() {
        switch phase {
        case .lingering where closesWhenFlushed: close()
        case .lingering: linger()
        case .reading:
            // The client has been busy taking its answer until now.
            if parser.isIdle { readingSince = LoopClock.turn }
            watchClock()
        case .answering: exchange?.drained()
        case .closed: break
        }
    }

    // MARK: What the exchange says

    /// Lets `fill` write into the shared output buffer and sends it.
    func send(_ fill: (inout ByteBuffer, Bool) -> Void) {
        guard phase != .closed else { return }
        fill(&server.output, keepsAlive && !server.isDraining)
        socket.write(server.output)
        server.output.removeAll(keepingCapacity: server.output.capacity <= HTTPServer.keptOutputBytes)
    }

    /// Sends bytes of a stream, framed as one chunk if asked; returns how many these are on the wire.
    func send(_ bytes: UnsafeRawBufferPointer, asChunk isChunk: Bool) -> Int {
        guard phase != .closed else { return 0 }
        guard isChunk else {
            unsafe socket.write(bytes)
            return bytes.count
        }
        let chunk = unsafe server.framer.frame(bytes)
        unsafe socket.write(chunk)
        return chunk.count
    }

    /// The answer has no framing of its own: the end of the connection is its end.
    func endsAfterAnswer() { keepsAlive = false }

    /// The current answer is complete.
    func answered() {
        exchange = nil
        guard phase == .answering else { return }
        guard keepsAlive, !server.isDraining else {
            closeWhenFlushed()
            return
        }
        phase = .reading
        readingSince = LoopClock.turn
        socket.startReading()
        if !isProcessing { process() }
    }

    func closeWhenFlushed() {
        guard phase != .closed else { return }
        if socket.pendingBytes == 0 {
            close()
        } else {
            phase = .lingering
            closesWhenFlushed = true
            watchClock()
        }
    }

    func close() {
        guard phase != .closed else { return }
        phase = .closed
        timer.close()
        socket.close()
        let abandoned = exchange
        exchange = nil
        abandoned?.clientLeft()
        server.closed(self)
    }

    // MARK: Reading requests

    private func process() {
        isProcessing = true
        defer { isProcessing = false }
        do throws(HTTPParseError) {
            while phase == .reading {
                guard let event = try parser.next() else { break }
                switch event {
                case .head(let head):
                    self.head = head
                    if head.expectsContinue, parser.bufferedBytes == 0 {
                        send { output, _ in output.appendContinue() }
                    }
                case .body(let body):
                    start(body)
                }
            }
        } catch {
            refuse(error.gatewayError)
        }
        if phase != .closed { watchClock() }
    }

    private func start(_ body: [UInt8]) {
        guard let head = self.head.take() else { preconditionFailure("a body comes after its head") }
        phase = .answering
        keepsAlive = head.keepsAlive
        let exchange = Exchange(connection: self, isHead: head.method == .head, usesChunks: head.minorVersion >= 1)
        self.exchange = exchange
        let request = ServerRequest(head: head, body: body, receivedAt: LoopClock.now)
        server.handler.handle(request, exchange)
    }

    /// Answers what could not be read as a request. Nothing after it on this connection can be trusted.
    private func refuse(_ error: GatewayError) {
        keepsAlive = false
        let (requestID, body) = server.handler.refusal(error)
        send { output, _ in
            output.appendStatusLine(error.status)
            output.appendHeaderLine("Content-Type: application/json")
            output.appendHeader("X-Request-ID", requestID)
            output.appendContentLength(body.count)
            output.appendHeaderLine("Connection: close")
            output.appendHeadEnd()
            output.append(body)
        }
        linger()
    }

    /// Closes our side and reads on for a moment, since closing with unread bytes would reset the connection and take
    /// the answer away from the client. A socket whose side is closed takes no more bytes, not even those that wait in its
    /// queue, so they go first.
    private func linger() {
        phase = .lingering
        if socket.pendingBytes == 0 { socket.endWriting() }
        watchClock()
    }

    // MARK: Clocks

    private func watchClock() {
        let options = server.options
        switch phase {
        case .reading:
            switch parser.stage {
            case .idle: timer.set(readingSince.advanced(by: options.idleTimeout + earned(unsentBytes)))
            case .head: timer.set(readingSince.advanced(by: options.headTimeout))
            case .body:
                timer.set(readingSince.advanced(by: options.bodyTimeout + earned(parser.bufferedBytes)))
            }
        case .answering: timer.set(.distantFuture)
        case .lingering:
            timer.set(LoopClock.turn.advanced(by: .seconds(closesWhenFlushed ? 30 : 2) + earned(unsentBytes)))
        case .closed: break
        }
    }

    /// The time that so many bytes may take in either direction.
    private func earned(_ bytes: Int) -> Duration {
        .milliseconds(bytes * 1000 / max(1, server.options.slowestBody))
    }

    private func deadlinePassed() {
        if phase == .reading, !parser.isIdle {
            refuse(.invalid(nil, "The request did not arrive in time.", code: .requestTimeout))
        } else {
            close()
        }
    }
}
