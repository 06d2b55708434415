import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Draining and memory", .onLoop, .timeLimit(.minutes(1)))
struct DrainTests {
    @Test("Draining closes idle connections at once and waits for the busy ones")
    @LoopActor func drains() async throws {
        let (isBusy, release) = (Signal(), Signal())
        let server = try TestServer { _, exchange in
            isBusy.fire()
            await release.wait()
            exchange.respond(status: 200, body: [UInt8(ascii: "!")]) { _ in }
        }
        async let idle = server.serve { client in client.textToEnd() }
        async let busy = server.serve { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.textToEnd()
        }
        await isBusy.wait()
        while server.openConnections < 2 { await Task.yield() }
        var hasDrained = false
        let draining = Task { @LoopActor in
            await server.drain()
            hasDrained = true
        }
        #expect(await idle == "")
        #expect(!hasDrained)
        #expect(server.openConnections == 1)
        #expect(await server.serve { $0.isConnected } == false)
        release.fire()
        await draining.value
        // It is told that the connection ends, although it wanted to keep it.
        #expect(await busy == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n!")
        #expect(server.openConnections == 0)
    }

    @Test("Draining with nothing open returns at once")
    @LoopActor func drainsNothing() async throws {
        let server = try TestServer()
        await server.drain()
        #expect(server.openConnections == 0)
    }

    @Test("A complete answer that is still on its way is not cut by draining")
    @LoopActor func drainsUnsentAnswer() async throws {
        let size = 12_000_000
        let answered = Signal()
        let server = try TestServer { _, exchange in
            exchange.respond(status: 200, body: [UInt8](repeating: 65, count: size)) { _ in }
            answered.fire()
        }
        async let received = server.serve(receiveBuffer: 262_144) { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let head = client.receive(through: "\r\n\r\n")
            // Reads on only when nobody can send any more.
            client.pause(milliseconds: 50)
            return head.isEmpty ? nil : client.receiveToEnd()
        }
        await answered.wait()
        await server.drain()
        #expect(await received?.count == size)
    }

    @Test("A complete answer that is still on its way outlasts the idle time and the client's half-close")
    @LoopActor func slowReaderOfAnswer() async throws {
        let size = 12_000_000
        let server = try TestServer(ServerOptions(idleTimeout: .milliseconds(800))) { _, exchange in
            exchange.respond(status: 200, body: [UInt8](repeating: 65, count: size)) { _ in }
        }
        defer { server.close() }
        let received = await server.serve(receiveBuffer: 262_144) { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = client.receive(through: "\r\n\r\n")
            client.pause(milliseconds: 900)
            client.endSending()
            client.pause(milliseconds: 20)
            return client.receiveToEnd()
        }
        #expect(received?.count == size)
    }

    @Test("Closing the server tells whoever is being answered")
    @LoopActor func closes() async throws {
        let (isBusy, gone) = (Signal(), Signal())
        let server = try TestServer { _, exchange in
            exchange.onClientGone = { gone.fire() }
            isBusy.fire()
            await gone.wait()
        }
        async let text = server.serve { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.textToEnd()
        }
        await isBusy.wait()
        server.close()
        #expect(await text == "")
        #expect(gone.count == 1)
        #expect(server.openConnections == 0)
    }

    @Test("One large answer does not enlarge the worker for good")
    @LoopActor func outputMemory() async throws {
        let handler = LargeAnswer()
        let server = HTTPServer(options: ServerOptions(), handler: handler)
        let address = try server.listen(on: .tcp(host: "127.0.0.1", port: 0))
        defer { server.close() }
        let count = await ScriptedClient.run(to: address) { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.receiveToEnd()?.count ?? 0
        }
        #expect(count > 8 << 20)
        #expect(server.output.capacity <= 256 << 10)
    }
}

@LoopActor
private final class LargeAnswer: RequestHandler {
    func handle(_ request: ServerRequest, _ exchange: Exchange) {
        exchange.respond(status: 200, body: [UInt8](repeating: 65, count: 8 << 20)) { _ in }
    }

    func refusal(_ error: GatewayError) -> (requestID: String, body: [UInt8]) { ("", []) }
}
