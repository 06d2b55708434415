import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing
import Upstream

@Suite("Transfers", .onLoop, .timeLimit(.minutes(1)))
struct TransferTests {
    @Test("A request arrives as it was made and its response comes back whole")
    @LoopActor func plain() async throws {
        let server = try RawServer(
            always: "HTTP/1.1 201 Created\r\nX-One: 1\r\nRetry-After:  7 \r\nContent-Length: 5\r\n\r\nhello"
        )
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let recorder = Recorder()
        let headers = [HTTPHeader("Content-Type", "application/json"), HTTPHeader("X-Empty", "")]
        let transfer = client.start(
            OutgoingRequest(url: server.url + "v1/chat", headers: headers, body: Array("{\"a\":1}".utf8)),
            delegate: recorder
        )
        #expect(recorder.calls == 0, "nothing is reported from inside start")
        #expect(await recorder.end() == nil)
        #expect(recorder.text == "hello")
        let head = try #require(recorder.heads.first)
        #expect(head.status == 201)
        #expect(head.firstText("retry-after") == "7")
        #expect(head.first("x-two") == nil)
        #expect(Array(head.fields).map(\.name.text) == ["X-One", "Retry-After", "Content-Length"])
        let request = try #require(server.connections.first?.requests.first)
        #expect(request.hasPrefix("POST /v1/chat HTTP/1.1\r\n"))
        #expect(request.contains("\r\nContent-Type: application/json\r\n"))
        #expect(request.contains("\r\nX-Empty:\r\n"))
        #expect(request.contains("\r\nUser-Agent: Millrace\r\n"))
        #expect(!request.lowercased().contains("expect:"))
        #expect(request.hasSuffix("\r\n\r\n{\"a\":1}"))
        #expect(!transfer.timings.isReused)
        #expect(transfer.timings.connect > 0)
        #expect(transfer.timings.firstByte >= transfer.timings.connect)
    }

    @Test("Methods and bodies do not leak from one use of a connection to the next")
    @LoopActor func methods() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let url = server.url
        for request in [
            OutgoingRequest(url: url, headers: [HTTPHeader("X-A", "1")], body: Array("one".utf8)),
            OutgoingRequest(method: .get, url: url),
            OutgoingRequest(method: .delete, url: url),
            OutgoingRequest(method: .post, url: url),
            OutgoingRequest(url: url, headers: [HTTPHeader("X-A", "2")], body: Array("four".utf8)),
        ] {
            let (_, body) = try await client.fetch(request, limit: 100, deadline: .seconds(10))
            #expect(body.text == "ok")
        }
        let requests = try #require(server.connections.first?.requests)
        #expect(server.connections.count == 1, "one connection serves all")
        #expect(requests.map { $0.prefix { $0 != " " } } == ["POST", "GET", "DELETE", "POST", "POST"])
        #expect(requests.map { $0.contains("X-A: ") } == [true, false, false, false, true])
        #expect(requests.map { $0.hasSuffix("\r\n\r\n") } == [false, true, true, true, false])
        #expect(requests[0].hasSuffix("\r\n\r\none"))
        #expect(requests[4].hasSuffix("\r\n\r\nfour"))
        #expect(!requests[3].contains("Content-Type"), "a type nobody gave is not made up")
        #expect(client.statistics.connectionsMade == 1)
        #expect(client.statistics.connectionsReused == 4)
    }

    @Test("The answer to HEAD has no body, whatever its length says, and the connection serves on")
    @LoopActor func heads() async throws {
        let server = try RawServer { connection, request in
            let body = request.hasPrefix("HEAD ") ? "" : "ok"
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + body)
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let methods: [OutgoingRequest.Method] = [.head, .get, .head, .post, .head, .options, .get]
        for method in methods {
            let request = OutgoingRequest(method: method, url: server.url, body: method == .head ? [1] : [])
            let (head, body) = try await client.fetch(request, limit: 100, deadline: .seconds(10))
            #expect(head.firstText("content-length") == "2")
            #expect(body.text == (method == .head ? "" : "ok"))
        }
        let requests = try #require(server.connections.first?.requests)
        #expect(server.connections.count == 1)
        #expect(requests.map { $0.prefix { $0 != " " } } == methods.map { Substring($0.rawValue) })
        #expect(requests.allSatisfy { $0.hasSuffix("\r\n\r\n") }, "none of them sends a body")
    }

    @Test("A chunked stream comes piece by piece and ends properly")
    @LoopActor func chunked() async throws {
        let server = try RawServer { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let recorder = Recorder()
        client.start(OutgoingRequest(url: server.url), delegate: recorder)
        await recorder.head()
        let connection = try #require(server.connections.first)
        let turns = try LoopTurns()
        defer { turns.close() }
        for number in 1...5 {
            connection.send("6\r\ndata:\(number)\r\n")
            try await turns.pass()
            #expect(recorder.pieces == number)
        }
        connection.send("3\r\nabc\r\n3\r\ndef\r\n0\r\nX-Trailer: 1\r\n\r\n")
        #expect(await recorder.end() == nil)
        #expect(recorder.text == "data:1data:2data:3data:4data:5abcdef")
        #expect(recorder.pieces == 6, "what one read brought is handed over in one call")
        #expect(recorder.heads.count == 1, "trailers are no head")
    }

    @Test("A response cut in two anywhere is the same response")
    @LoopActor func splitAnywhere() async throws {
        let response = Array(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                .utf8
        )
        let turns = try LoopTurns()
        defer { turns.close() }
        for split in 1..<response.count {
            let server = try RawServer { connection, _ in connection.send(Array(response[..<split])) }
            let client = UpstreamClient()
            let recorder = Recorder()
            client.start(OutgoingRequest(url: server.url), delegate: recorder)
            while server.connections.first?.requests.first == nil { try await turns.pass(1) }
            try await turns.pass(1)
            server.connections.first?.send(Array(response[split...]))
            #expect(await recorder.end() == nil)
            #expect(recorder.heads.map(\.status) == [200], "split at \(split)")
            #expect(recorder.heads.first?.firstText("x-a") == "b")
            #expect(recorder.heads.first?.first("link") == nil)
            #expect(recorder.text == "abc")
            client.close()
            server.close()
        }
    }

    @Test("A compressed answer is decoded when the request asked for it")
    @LoopActor func gzip() async throws {
        let packed: [UInt8] = [
            31, 139, 8, 0, 0, 0, 0, 0, 2, 255, 171, 86, 74, 204, 43, 46, 79, 45, 82, 178, 50, 49, 170, 173, 30, 153, 28,
            0, 237,
            174, 166, 163, 4, 1, 0, 0,
        ]
        let server = try RawServer { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: \(packed.count)\r\n\r\n")
            connection.send(packed)
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let asking = OutgoingRequest(method: .get, url: server.url, headers: [HTTPHeader("Accept-Encoding", "gzip")])
        let (_, decoded) = try await client.fetch(asking, limit: 1000, deadline: .seconds(10))
        #expect(decoded.text == String(repeating: "{\"answer\":42}", count: 20))
        let (_, raw) = try await client.fetch(
            OutgoingRequest(method: .get, url: server.url),
            limit: 1000,
            deadline: .seconds(10)
        )
        #expect(raw == packed)
        #expect(server.connections.first?.requests.first?.contains("Accept-Encoding: gzip") == true)
        #expect(server.connections.first?.requests.last?.contains("Accept-Encoding") == false)
    }

    @Test("Five hundred transfers at once each get their own answer, and their connections serve the next ones")
    @LoopActor func many() async throws {
        let server = try RawServer { connection, request in
            let body = request.split(separator: "\r\n\r\n").last.map(String.init) ?? ""
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        for round in 1...2 {
            let recorders = (0..<500).map { _ in Recorder() }
            for (number, recorder) in recorders.enumerated() {
                client.start(OutgoingRequest(url: server.url, body: Array("body \(number)".utf8)), delegate: recorder)
            }
            #expect(client.statistics.openTransfers == 500)
            for (number, recorder) in recorders.enumerated() {
                #expect(await recorder.end() == nil)
                #expect(recorder.text == "body \(number)")
            }
            #expect(client.statistics.openTransfers == 0)
            #expect(client.statistics.connectionsReused == (round - 1) * 500)
        }
        #expect(server.connections.count == 500)
    }

    @Test("A body of megabytes goes out and comes back")
    @LoopActor func large() async throws {
        let size = 3_000_000
        let server = try RawServer { connection, request in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            connection.send(Array(request.utf8.suffix(size)))
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let body = (0..<size).map { UInt8(65 + $0 % 26) }
        let request = OutgoingRequest(url: server.url, body: body)
        let (head, answer) = try await client.fetch(request, limit: size, deadline: .seconds(30))
        #expect(head.status == 200)
        #expect(answer == body)
    }

    @Test("The body's memory can be given back once the head is there")
    @LoopActor func releasesBody() async throws {
        let server = try RawServer { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let recorder = Recorder()
        let transfer = client.start(
            OutgoingRequest(url: server.url, body: [UInt8](repeating: 97, count: 200_000)),
            delegate: recorder
        )
        transfer.releaseRequestBody()
        await recorder.head()
        transfer.releaseRequestBody()
        server.connections.first?.send("world")
        #expect(await recorder.end() == nil)
        #expect(recorder.text == "helloworld")
        let request = OutgoingRequest(url: server.url, body: [UInt8](repeating: 98, count: 100))
        client.start(request, delegate: recorder)
        while (server.connections.first?.requests.count ?? 0) < 2 { await Task.yield() }
        #expect(server.connections.first?.requests.last?.hasSuffix(String(repeating: "b", count: 100)) == true)
    }
}
