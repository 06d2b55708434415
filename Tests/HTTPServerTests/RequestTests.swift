import Core
import EventLoop
import HTTPCodec
import HTTPServer
import TestSupport
import Testing

@Suite("Requests over a socket", .onLoop, .timeLimit(.minutes(1)))
struct RequestTests {
    @Test("A connection carries one request after the other until the client wants it closed")
    @LoopActor func keepAlive() async throws {
        let server = try TestServer()
        defer { server.close() }
        let answers = await server.serve { client in
            client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            let first = client.receive(through: "GET /1 ")
            client.send("POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi")
            let second = client.receive(through: "POST /2 hi")
            client.send("GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return [first, second, client.textToEnd()]
        }
        #expect(answers[0] == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nGET /1 ")
        #expect(answers[1] == "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nPOST /2 hi")
        #expect(answers[2] == "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /3 ")
        #expect(server.openConnections == 0)
    }

    @Test("Fifty requests in one write are answered in order, however long each takes")
    @LoopActor func pipelining() async throws {
        let server = try TestServer { request, exchange in
            // Every third answer comes in a later turn of the loop.
            if request.body.count % 3 == 0 { await Task.yield() }
            await TestServer.echo(request, exchange)
        }
        defer { server.close() }
        let text = await server.serve { client in
            client.send(
                (0..<50).map { place in
                    "POST /\(place) HTTP/1.1\r\nHost: a\r\nContent-Length: \(place)\r\n"
                        + (place == 49 ? "Connection: close\r\n" : "") + "\r\n" + String(repeating: "x", count: place)
                }.joined()
            )
            return client.textToEnd()
        }
        let paths = text.split(separator: "POST /").dropFirst().map { $0.prefix { $0 != " " } }
        #expect(paths.map(String.init) == (0..<50).map(String.init))
    }

    @Test("A chunked body arrives in one piece, trailers thrown away")
    @LoopActor func chunkedBody() async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            client.send("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
            client.send("5;x=y\r\nhello\r\n")
            client.send("6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text.hasSuffix("\r\n\r\nPOST /c hello world"))
    }

    @Test("A client that asks before it sends its body is told to go on, once")
    @LoopActor func expectContinue() async throws {
        let server = try TestServer()
        defer { server.close() }
        let texts = await server.serve { client in
            client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            let interim = client.receive(through: "\r\n\r\n")
            client.send("body")
            return [interim, client.receive(through: "body")]
        }
        #expect(texts[0] == "HTTP/1.1 100 Continue\r\n\r\n")
        #expect(texts[1] == "HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nPOST /e body")
    }

    @Test("A client that asks and sends anyway gets the answer alone")
    @LoopActor func impatientExpectation() async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
            return client.receive(through: "body")
        }
        #expect(text.hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test("HEAD gets the head of the answer, and the connection goes on")
    @LoopActor func head() async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            client.send("HEAD /h HTTP/1.1\r\nHost: a\r\n\r\nGET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.textToEnd()
        }
        #expect(
            text == "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /g "
        )
    }

    @Test("A request that comes byte by byte is a request")
    @LoopActor func byteByByte() async throws {
        let server = try TestServer()
        defer { server.close() }
        let text = await server.serve { client in
            for byte in Array("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8) {
                client.send([byte])
            }
            return client.receive(through: "abc")
        }
        #expect(text.hasSuffix("\r\n\r\nPOST /b abc"))
        #expect(server.requests.count == 1)
    }

    @Test("Requests that follow a slow answer wait outside, without limit to their size or ours to memory")
    @LoopActor func pipelinedPressure() async throws {
        let release = Signal()
        let server = try TestServer(ServerOptions(pipelinedBytes: 1000)) { request, exchange in
            if request.body.isEmpty { await release.wait() }
            exchange.respond(status: 200, body: Array("\(request.body.count).".utf8)) { _ in }
        }
        defer { server.close() }
        Task { @LoopActor in
            // The second request is on its way by now; most of it must stay in the sockets.
            while server.requests.isEmpty { await Task.yield() }
            for _ in 0..<50 { await Task.yield() }
            release.fire()
        }
        let text = await server.serve { client in
            client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            client.send("POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n")
            client.send([UInt8](repeating: 65, count: 3_000_000))
            return client.textToEnd()
        }
        #expect(text.contains("\r\n\r\n0.HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("\r\n\r\n3000000."))
    }
}
