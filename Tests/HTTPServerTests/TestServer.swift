import Core
import EventLoop
import Glibc
import HTTPCodec
import HTTPServer
import Synchronization
import TestSupport

/// A server on a free port whose requests are answered by a closure.
@LoopActor
final class TestServer: RequestHandler {
    typealias Answer = @LoopActor (ServerRequest, Exchange) async -> Void

    private let answer: Answer
    private(set) var requests: [ServerRequest] = []
    private(set) var address = ListenAddress.tcp(host: "127.0.0.1", port: 0)
    private var server: HTTPServer?

    init(_ options: ServerOptions = ServerOptions(), _ answer: @escaping Answer = TestServer.echo) throws {
        self.answer = answer
        let server = HTTPServer(options: options, handler: self)
        address = try server.listen(on: address)
        self.server = server
    }

    var openConnections: Int { server?.openConnections ?? 0 }

    func drain() async { await server?.drain() }
    func close() { server?.close() }

    func handle(_ request: ServerRequest, _ exchange: Exchange) {
        requests.append(request)
        let answer = self.answer
        // Ends with the answer; tests wait for that.
        Task.immediate { @LoopActor in await answer(request, exchange) }
    }

    func refusal(_ error: GatewayError) -> (requestID: String, body: [UInt8]) {
        ("r-1", Array("refused \(error.status): \(error.message)".utf8))
    }

    /// Says back the method, the path and the body.
    static let echo: Answer = { request, exchange in
        let line = "\(request.head.method.rawValue) \(request.head.path.text) "
        exchange.respond(status: 200, body: Array(line.utf8) + request.body) { _ in }
    }

    /// Runs a client's script against this server.
    func serve<Outcome: Sendable>(
        receiveBuffer: Int32? = nil,
        _ script: @escaping @Sendable (ScriptedClient) -> Outcome
    ) async -> Outcome {
        await ScriptedClient.run(to: address, receiveBuffer: receiveBuffer, script)
    }
}

/// Lets tests wait for something that happens on the loop.
@LoopActor
final class Signal {
    private(set) var count = 0
    private var waiters: [CheckedContinuation<Void, Never>] = []

    func fire() {
        count += 1
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume() }
    }

    /// Waits for the first time it fires.
    func wait() async {
        if count == 0 { await withCheckedContinuation { waiters.append($0) } }
    }
}

/// What a client on a thread of its own waits for until the loop opens it; gives up after half a minute.
final class Gate: Sendable {
    private let isOpen = Atomic(false)

    func open() { isOpen.store(true, ordering: .releasing) }

    func wait() {
        for _ in 0..<30_000 where !isOpen.load(ordering: .acquiring) { usleep(1000) }
    }
}

/// Text as stream bytes.
func bytes(_ text: String) -> ByteBuffer { ByteBuffer(text) }
