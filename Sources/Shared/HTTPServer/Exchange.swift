package import Core
package import EventLoop
internal import HTTPCodec

/// The answering side of one request: either one whole response or a stream, each begun and ended once.
///
/// The client may vanish at any time; then `isClientGone` turns true, `onClientGone` runs once, and everything else
/// becomes a no-op, so a handler needs no care about it beyond stopping its own work.
@LoopActor
package final class Exchange {
    private enum State { case unanswered, streaming, ended }

    package private(set) var isClientGone = false
    /// Runs when the client leaves before the answer ended.
    package var onClientGone: (@LoopActor () -> Void)?
    /// Runs when everything written so far has been taken by the system.
    package var onDrained: (@LoopActor () -> Void)?

    private var connection: HTTPConnection?
    private var state = State.unanswered
    private var writtenBytes = 0
    private let isHead: Bool
    private let usesChunks: Bool

    init(connection: HTTPConnection, isHead: Bool, usesChunks: Bool) {
        self.connection = connection
        self.isHead = isHead
        self.usesChunks = usesChunks
    }

    /// Bytes written that the client's side has not taken yet.
    package var pendingBytes: Int { connection?.unsentBytes ?? 0 }

    /// Bytes of the answer that the client's side has taken so far; asks the system, so not for every chunk.
    package var takenBytes: Int { writtenBytes - (connection?.untakenBytes ?? 0) }

    package var isUnanswered: Bool { state == .unanswered }
    package var isEnded: Bool { state == .ended }

    /// Answers with a whole body. `headers` appends complete header lines, the framing ones excepted.
    package func respond(status: Int, body: [UInt8], headers: (inout ByteBuffer) -> Void) {
        guard state == .unanswered, let connection else { return }
        state = .ended
        connection.send { output, keepsAlive in
            output.appendStatusLine(status)
            headers(&output)
            output.appendContentLength(body.count)
            if !keepsAlive { output.appendHeaderLine("Connection: close") }
            output.appendHeadEnd()
            if !isHead { output.append(body) }
        }
        finish(connection)
    }

    /// Sends the head of a stream together with its first bytes; where these are its last as well, ends it in the same
    /// write.
    package func begin(
        status: Int,
        first: borrowing ByteBuffer,
        isWhole: Bool = false,
        headers: (inout ByteBuffer) -> Void
    ) {
        guard state == .unanswered, let connection else { return }
        state = isWhole ? .ended : .streaming
        if !usesChunks { connection.endsAfterAnswer() }
        connection.send { output, keepsAlive in
            output.appendStatusLine(status)
            headers(&output)
            if usesChunks { output.appendChunkedCoding() }
            if !keepsAlive { output.appendHeaderLine("Connection: close") }
            output.appendHeadEnd()
            append(first, to: &output)
            if isWhole, usesChunks, !isHead { output.appendLastChunk() }
            writtenBytes = output.count
        }
        if isWhole { finish(connection) }
    }

    /// Sends bytes of the stream, in one piece.
    package func write(_ bytes: borrowing ByteBuffer) {
        unsafe bytes.withReadableBytes { unsafe write($0) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) {
        guard state == .streaming, !isHead, let connection, bytes.count > 0 else { return }
        writtenBytes += unsafe connection.send(bytes, asChunk: usesChunks)
    }

    /// Ends the stream properly, with `last` as its last bytes.
    package func end(_ last: borrowing ByteBuffer) {
        guard state == .streaming, let connection else { return }
        state = .ended
        connection.send { output, _ in
            append(last, to: &output)
            if usesChunks, !isHead { output.appendLastChunk() }
        }
        finish(connection)
    }

    /// Ends the stream visibly broken, after `last`: the framing is left open and the connection closed.
    package func abort(_ last: borrowing ByteBuffer) {
        guard state == .streaming, let connection else { return }
        state = .ended
        connection.send { output, _ in append(last, to: &output) }
        detach()
        connection.closeWhenFlushed()
    }

    /// Gives up on a client that does not take what it asked for.
    package func drop() {
        guard let connection else { return }
        state = .ended
        detach()
        connection.close()
    }

    func clientLeft() {
        guard connection != nil else { return }
        isClientGone = state != .ended
        state = .ended
        let action = onClientGone
        detach()
        if isClientGone { action?() }
    }

    func drained() { onDrained?() }

    private func append(_ bytes: borrowing ByteBuffer, to output: inout ByteBuffer) {
        guard !isHead, !bytes.isEmpty else { return }
        if usesChunks {
            output.appendChunk(bytes.readable)
        } else {
            output.append(bytes.readable)
        }
    }

    private func finish(_ connection: HTTPConnection) {
        detach()
        connection.answered()
    }

    /// Breaks the cycles between handler, exchange and connection.
    private func detach() {
        connection = nil
        onClientGone = nil
        onDrained = nil
    }
}
