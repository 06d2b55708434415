import Core
import EventLoop

/// An upstream that does exactly what a test tells it to, byte by byte.
@LoopActor
final class RawServer {
    typealias Answer = @LoopActor (RawConnection, String) -> Void

    private var listener: StreamListener?
    private let answer: Answer
    private(set) var connections: [RawConnection] = []

    /// `answer` is called with every whole request.
    init(_ answer: @escaping Answer) throws {
        self.answer = answer
        listener = try StreamListener(on: .tcp(host: "127.0.0.1", port: 0)) { [unowned self] socket in
            connections.append(RawConnection(socket, answer: self.answer))
        }
    }

    /// Answers every request with the same bytes.
    convenience init(always bytes: String) throws {
        try self.init { connection, _ in connection.send(bytes) }
    }

    var url: String {
        guard case .tcp(_, let port)? = listener?.address else { return "" }
        return "http://127.0.0.1:\(port)/"
    }

    func stopListening() {
        listener?.close()
        listener = nil
    }

    func close() {
        stopListening()
        for connection in connections { connection.close() }
        connections = []
    }
}

/// One connection to a `RawServer`.
@LoopActor
final class RawConnection: StreamSocketDelegate {
    private let socket: StreamSocket
    private let answer: RawServer.Answer
    private var received: [UInt8] = []
    private(set) var requests: [String] = []
    private(set) var hasEnded = false
    private var enders: [CheckedContinuation<Void, Never>] = []

    init(_ socket: StreamSocket, answer: @escaping RawServer.Answer) {
        self.socket = socket
        self.answer = answer
        socket.delegate = self
        socket.startReading()
    }

    var pendingBytes: Int { socket.pendingBytes }

    func send(_ text: String) { send(Array(text.utf8)) }
    func send(_ bytes: [UInt8]) { unsafe bytes.withUnsafeBytes { unsafe socket.write($0) } }
    func close() {
        socket.close()
        end()
    }

    /// Returns when the client has gone.
    func ended() async {
        guard !hasEnded else { return }
        await withCheckedContinuation { enders.append($0) }
    }

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        unsafe received.append(contentsOf: bytes)
        while let length = lengthOfRequest() {
            let request = String(decoding: received[..<length], as: UTF8.self)
            received.removeSubrange(..<length)
            requests.append(request)
            answer(self, request)
        }
    }

    func socketReachedEnd() { close() }
    func socketFailed(_ error: LoopError) { close() }
    func socketDrained() {}

    private func end() {
        hasEnded = true
        for continuation in enders { continuation.resume() }
        enders = []
    }

    private func lengthOfRequest() -> Int? {
        let end: [UInt8] = [13, 10, 13, 10]
        guard received.count >= 4,
            let start = (0...(received.count - 4)).first(where: { received[$0..<($0 + 4)].elementsEqual(end) })
        else { return nil }
        let head = String(decoding: received[..<start], as: UTF8.self).lowercased()
        var length = start + 4
        for line in head.split(separator: "\r\n") where line.hasPrefix("content-length:") {
            length += Int(line.dropFirst(15).drop { $0 == " " }) ?? 0
        }
        return received.count >= length ? length : nil
    }
}
