import EventLoop
import Glibc
import TestSupport
import Testing

@Suite("Sockets", .onLoop)
struct StreamSocketTests {
    @Test("Bytes written by a client come back through an echoing socket", arguments: ["127.0.0.1:0", "unix"])
    @LoopActor func echoes(_ where: String) async throws {
        let path = "/tmp/millrace-socket-test-\(getpid())"
        let address = `where` == "unix" ? ListenAddress.unix(path: path) : try #require(ListenAddress(`where`))
        let echo = Echo()
        let listener = try StreamListener(on: address) { echo.serve($0) }
        defer { listener.close() }
        let sent = [UInt8](repeating: 7, count: 24_000_000)
        let received = try await BlockingClient.exchange(sent, with: listener.address)
        #expect(received == sent.count)
        #expect(echo.highestPending > 0, "a client that sends everything before it reads must build up pressure")
    }

    @Test("A socket file left behind by a killed process is taken over, a live one is not")
    @LoopActor func staleSocketFile() async throws {
        let path = "/tmp/millrace-stale-test-\(getpid())"
        unsafe unlink(path)
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = unsafe BlockingClient.withAddress(.unix(path: path)) { unsafe bind(fd, $0, $1) }
        #expect(bound == 0)
        close(fd)
        let listener = try StreamListener(on: .unix(path: path)) { $0.close() }
        #expect(throws: LoopError.self) { try StreamListener(on: .unix(path: path)) { $0.close() } }
        listener.close()
        unsafe unlink(path)
    }

    @Test("Listen addresses are read as documented")
    func addresses() {
        #expect(ListenAddress("127.0.0.1:9001") == .tcp(host: "127.0.0.1", port: 9001))
        #expect(ListenAddress("[::1]:80") == .tcp(host: "::1", port: 80))
        #expect(ListenAddress("unix:/run/a.sock") == .unix(path: "/run/a.sock"))
        #expect(ListenAddress("nonsense") == nil)
        #expect(ListenAddress("host:70000") == nil)
    }
}

/// Sends back what it gets and keeps its sockets while they are open.
@LoopActor
private final class Echo: StreamSocketDelegate {
    private var socket: StreamSocket?
    private(set) var highestPending = 0

    func serve(_ socket: StreamSocket) {
        self.socket = socket
        socket.delegate = self
        socket.startReading()
    }

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        unsafe socket?.write(bytes)
        highestPending = max(highestPending, socket?.pendingBytes ?? 0)
    }

    func socketReachedEnd() {
        if socket?.pendingBytes == 0 { socket?.close() }
        hasEnded = true
    }

    func socketFailed(_ error: LoopError) { socket?.close() }

    func socketDrained() {
        if hasEnded { socket?.close() }
    }

    private var hasEnded = false
}
