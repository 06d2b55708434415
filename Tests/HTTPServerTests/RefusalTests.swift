import Core
import EventLoop
import HTTPCodec
import HTTPServer
import TestSupport
import Testing

@Suite("Refusals and timeouts", .onLoop, .timeLimit(.minutes(1)))
struct RefusalTests {
    private static let slow = ServerOptions(
        headTimeout: .milliseconds(40),
        bodyTimeout: .milliseconds(40),
        slowestBody: 10_000,
        idleTimeout: .milliseconds(600)
    )

    @Test(
        "A request that stops half-way is answered with 408",
        arguments: ["GE", "GET / HTTP/1.1\r\nHost:", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc"]
    )
    @LoopActor func timesOut(_ part: String) async throws {
        let server = try TestServer(Self.slow)
        defer { server.close() }
        let text = await server.serve { client in
            client.send(part)
            return client.textToEnd()
        }
        #expect(
            text.hasPrefix("HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nX-Request-ID: r-1\r\n")
        )
        #expect(text.hasSuffix("\r\nConnection: close\r\n\r\nrefused 408: The request did not arrive in time."))
        #expect(server.requests.isEmpty)
    }

    @Test("A body that comes fast enough is never cut, however long it takes")
    @LoopActor func steadyBody() async throws {
        let server = try TestServer(ServerOptions(bodyTimeout: .milliseconds(400), slowestBody: 1000))
        defer { server.close() }
        let text = await server.serve { client in
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\nConnection: close\r\n\r\n")
            for _ in 0..<4 {
                // Earns a second, and in all this takes longer than a body may take to begin.
                client.send([UInt8](repeating: 65, count: 1000))
                client.pause(milliseconds: 110)
            }
            return client.textToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test(
        "Connections without a request are closed without a word",
        arguments: ["", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
    )
    @LoopActor func idle(_ before: String) async throws {
        let server = try TestServer(Self.slow)
        defer { server.close() }
        let text = await server.serve { client in
            client.send(before)
            return client.textToEnd()
        }
        #expect(text == (before.isEmpty ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nGET / "))
    }

    @Test("A long answer in progress is no idle connection")
    @LoopActor func longAnswer() async throws {
        let arrived = Signal()
        let outlived = Signal()
        let server = try TestServer(ServerOptions(idleTimeout: .milliseconds(40))) { _, exchange in
            arrived.fire()
            await outlived.wait()
            exchange.respond(status: 200, body: [UInt8(ascii: "!")]) { _ in }
        }
        defer { server.close() }
        async let answered = server.serve { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.receive(through: "!")
        }
        await arrived.wait()
        // A connection that was opened later has been idle for too long before the answer begins.
        #expect(await server.serve { $0.textToEnd() } == "")
        outlived.fire()
        #expect(await answered.hasSuffix("!"))
    }

    @Test("A body beyond the limit is refused, and the answer reaches a client that goes on sending")
    @LoopActor func bodyTooLarge() async throws {
        let server = try TestServer(ServerOptions(limits: HTTPLimits(bodyBytes: 1000)))
        defer { server.close() }
        let text = await server.serve { client in
            client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 5_000_000))
            return client.textToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 413 Content Too Large\r\n"))
        #expect(text.hasSuffix("\r\n\r\nrefused 413: The request cannot be read: the request body is too large."))
        #expect(server.requests.isEmpty)
    }

    @Test("A client that asks first is refused before it sends its body")
    @LoopActor func refusesExpectation() async throws {
        let server = try TestServer(ServerOptions(limits: HTTPLimits(bodyBytes: 1000)))
        defer { server.close() }
        let text = await server.serve { client in
            client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 413 "))
    }

    @Test("A head beyond the limit is refused, and the answer reaches a client that goes on sending")
    @LoopActor func headTooLarge() async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Long: ")
            client.send([UInt8](repeating: 65, count: 3_000_000))
            return client.textToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 431 "))
    }

    @Test(
        "What is no request is refused and ends the connection",
        arguments: [
            ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            ("POST / HTTP/1.1\r\nHost: a\r\n\r\n", 411), ("BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ]
    )
    @LoopActor func refuses(_ request: String, _ status: Int) async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            client.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text.hasPrefix("HTTP/1.1 \(status) "))
        #expect(text.components("\r\n\r\n") == 1, "nothing after it is answered")
        #expect(server.requests.isEmpty)
    }

    @Test("Garbage behind a request whose answer nobody reads yet is refused behind that answer")
    @LoopActor func refusalBehindSlowReader() async throws {
        let size = 12_000_000
        let server = try TestServer { _, exchange in
            exchange.respond(status: 200, body: [UInt8](repeating: 65, count: size)) { _ in }
        }
        defer { server.close() }
        let received = await server.serve(receiveBuffer: 262_144) { client in
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n\u{0}garbage\r\n\r\n")
            return client.receiveToEnd() ?? []
        }
        let refusal = "refused 400: The request cannot be read: the method is not a token."
        #expect(received.count > size)
        #expect(received.suffix(refusal.utf8.count).text == refusal)
    }
}

extension String {
    fileprivate func components(_ mark: String) -> Int {
        split(separator: mark, omittingEmptySubsequences: false).count - 1
    }
}
