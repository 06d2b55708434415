import Core
import EventLoop
import HTTPCodec
import HTTPServer
import TestSupport
import Testing

@Suite("Streams over a socket", .onLoop, .timeLimit(.minutes(1)))
struct StreamTests {
    private static let get = "GET /s HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test("A stream is chunked, one chunk a write, and ends with the last chunk; the connection goes on")
    @LoopActor func chunks() async throws {
        let server = try TestServer { _, exchange in
            exchange.begin(status: 200, first: bytes("one")) { $0.appendHeaderLine("Content-Type: text/plain") }
            exchange.write(bytes(""))
            exchange.write(bytes("twelve bytes"))
            #expect(!exchange.isUnanswered)
            exchange.end(bytes("last"))
            #expect(exchange.isEnded)
        }
        defer { server.close() }
        let text = await server.serve { client in
            client.send(Self.get)
            let first = client.receive(through: "0\r\n\r\n")
            client.send(Self.get)
            return first + client.receive(through: "0\r\n\r\n")
        }
        let expected =
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "3\r\none\r\nc\r\ntwelve bytes\r\n4\r\nlast\r\n0\r\n\r\n"
        #expect(text == expected + expected)
    }

    @Test("HTTP/1.0 knows no chunks: the end of the connection is the end of the stream")
    @LoopActor func oldVersion() async throws {
        let server = try TestServer(ServerOptions(), Self.twoPieces)
        defer { server.close() }
        let text = await server.serve { client in
            client.send("GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo")
    }

    @Test("HEAD of a stream is its head alone")
    @LoopActor func head() async throws {
        let server = try TestServer(ServerOptions(), Self.twoPieces)
        defer { server.close() }
        let text = await server.serve { client in
            client.send("HEAD /s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
    }

    @Test("A stream that breaks off says what it has to and leaves its framing open")
    @LoopActor func abort() async throws {
        let server = try TestServer { _, exchange in
            exchange.begin(status: 200, first: bytes("one")) { _ in }
            exchange.abort(bytes("sorry"))
            exchange.write(bytes("nothing more"))
            exchange.end(bytes("nothing more"))
        }
        defer { server.close() }
        let text = await server.serve { client in
            client.send(Self.get)
            return client.textToEnd()
        }
        #expect(text.hasSuffix("\r\n\r\n3\r\none\r\n5\r\nsorry\r\n"))
        #expect(server.openConnections == 0)
    }

    @Test("Every answer is begun and ended once, whatever the handler does")
    @LoopActor func once() async throws {
        let server = try TestServer { _, exchange in
            exchange.write(bytes("too early"))
            exchange.end(bytes("too early"))
            exchange.respond(status: 200, body: [UInt8(ascii: "1")]) { _ in }
            exchange.respond(status: 500, body: [UInt8(ascii: "2")]) { _ in }
            exchange.begin(status: 500, first: bytes("3")) { _ in }
            exchange.end(bytes("4"))
        }
        defer { server.close() }
        let text = await server.serve { client in
            client.send("GET /s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client.textToEnd()
        }
        #expect(text == "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1")
    }

    @Test("A client that leaves is noticed, once, and what comes after goes nowhere")
    @LoopActor func clientGone() async throws {
        let gone = Signal()
        var exchanges: [Exchange] = []
        let server = try TestServer { _, exchange in
            exchanges.append(exchange)
            exchange.onClientGone = { gone.fire() }
            exchange.begin(status: 200, first: bytes("one")) { _ in }
        }
        defer { server.close() }
        await server.serve { client in
            client.send(Self.get)
            _ = client.receive(through: "one")
            client.close()
        }
        await gone.wait()
        let exchange = try #require(exchanges.first)
        #expect(exchange.isClientGone)
        #expect(exchange.isEnded)
        #expect(server.openConnections == 0)
        exchange.write(bytes("two"))
        exchange.end(bytes("three"))
        exchange.drop()
        #expect(exchange.pendingBytes == 0)
        #expect(gone.count == 1)
    }

    @Test("Nobody is gone who left after the end")
    @LoopActor func leftAfterEnd() async throws {
        let gone = Signal()
        var exchanges: [Exchange] = []
        let server = try TestServer { request, exchange in
            exchanges.append(exchange)
            exchange.onClientGone = { gone.fire() }
            await TestServer.echo(request, exchange)
        }
        defer { server.close() }
        await server.serve { client in
            client.send(Self.get)
            _ = client.receive(through: "GET /s ")
        }
        while server.openConnections > 0 { await Task.yield() }
        #expect(gone.count == 0)
        #expect(exchanges.first?.isClientGone == false)
    }

    @Test("A client that reads nothing is felt as pending bytes, and told of when it has taken them")
    @LoopActor func slowReader() async throws {
        let piece = ByteBuffer([UInt8](repeating: 65, count: 1 << 20))
        let drained = Signal()
        let pressed = Signal()
        let mayRead = Gate()
        let server = try TestServer { _, exchange in
            exchange.onDrained = { drained.fire() }
            exchange.begin(status: 200, first: piece) { _ in }
            for _ in 1..<20 { exchange.write(piece) }
            // What the two sockets take is a few megabytes at most.
            #expect(exchange.pendingBytes > 10 << 20)
            #expect(exchange.pendingBytes < 21 << 20)
            pressed.fire()
            mayRead.open()
            await drained.wait()
            #expect(exchange.pendingBytes == 0)
            exchange.end(bytes("end"))
        }
        defer { server.close() }
        let received = await server.serve(receiveBuffer: 262_144) { client in
            client.send("GET /s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            mayRead.wait()
            return client.receiveToEnd()
        }
        let body = try #require(received)
        #expect(body.suffix(13).text == "3\r\nend\r\n0\r\n\r\n")
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        let chunk = "100000\r\n".utf8.count + piece.count + "\r\n".utf8.count
        #expect(body.count == head.utf8.count + 20 * chunk + 13)
        #expect(drained.count == 1)
        #expect(pressed.count == 1)
    }

    @Test("A client that takes nothing can be dropped")
    @LoopActor func drop() async throws {
        // Were it to read before, the kernel might hand it everything while it is still being written.
        let mayRead = Gate()
        let server = try TestServer { _, exchange in
            exchange.begin(status: 200, first: ByteBuffer([UInt8](repeating: 65, count: 20 << 20))) { _ in }
            #expect(exchange.pendingBytes > 10 << 20)
            exchange.drop()
            #expect(exchange.pendingBytes == 0)
            mayRead.open()
        }
        defer { server.close() }
        let received = await server.serve(receiveBuffer: 262_144) { client in
            client.send(Self.get)
            mayRead.wait()
            return client.receiveToEnd() ?? []
        }
        #expect(!received.isEmpty && received.count < 10 << 20)
        #expect(server.openConnections == 0)
    }

    private static let twoPieces: TestServer.Answer = { _, exchange in
        exchange.begin(status: 200, first: bytes("one")) { _ in }
        exchange.end(bytes("two"))
    }
}
