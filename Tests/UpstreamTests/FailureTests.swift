import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing
import Upstream

@Suite("Failed transfers", .onLoop, .timeLimit(.minutes(1)))
struct FailureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let response: String
        let kind: TransferFailure.Kind
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "closed at once", response: "", kind: .cut),
        Case(name: "closed inside the head", response: "HTTP/1.1 200 OK\r\nX-A", kind: .cut),
        Case(
            name: "closed before the length is met",
            response: "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            kind: .cut
        ),
        Case(
            name: "closed before the last chunk",
            response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            kind: .cut
        ),
        Case(
            name: "closed inside a chunk",
            response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
            kind: .cut
        ),
        Case(
            name: "a chunk size that is none",
            response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
            kind: .cut
        ),
        Case(
            name: "garbage instead of a status line",
            response: "220 smtp.example ESMTP\r\n\r\n",
            kind: .protocolError
        ),
        Case(name: "a status that is none", response: "HTTP/1.1 abc\r\n\r\n", kind: .protocolError),
        Case(
            name: "a length that is none",
            response: "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",
            kind: .protocolError
        ),
        Case(
            name: "a head beyond our limit",
            response: "HTTP/1.1 200 OK\r\n"
                + String(repeating: "X-A: \(String(repeating: "b", count: 1000))\r\n", count: 80) + "\r\n",
            kind: .tooLarge
        ),
        Case(
            name: "a line beyond libcurl's limit",
            response: "HTTP/1.1 200 OK\r\nX-A: " + String(repeating: "b", count: 200_000) + "\r\n\r\n",
            kind: .tooLarge
        ),
    ]

    @Test("A broken response is a failure of the right kind", arguments: cases)
    @LoopActor func broken(_ example: Case) async throws {
        let server = try RawServer { connection, _ in
            connection.send(example.response)
            connection.close()
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let recorder = Recorder()
        client.start(OutgoingRequest(url: server.url, body: [97]), delegate: recorder)
        let failure = try #require(await recorder.end())
        #expect(failure.kind == example.kind, "\(failure.curlCode) \(failure.message)")
        #expect(failure.sentRequest)
        #expect(!failure.message.isEmpty)
        #expect(recorder.outcomes.count == 1)
        if example.response.contains("\nhello") { #expect(recorder.text == "hello", "what came is handed over") }
        #expect(client.statistics.openTransfers == 0)
    }

    @Test("Nothing listens there")
    @LoopActor func refused() async throws {
        let server = try RawServer(always: "")
        let url = server.url
        server.close()
        let client = UpstreamClient()
        defer { client.close() }
        let failure = await failure(of: OutgoingRequest(url: url), client)
        #expect(failure?.kind == .connect)
        #expect(failure?.sentRequest == false)
    }

    @Test("Requests that cannot be sent fail like others, after start has returned")
    @LoopActor func unusable() async throws {
        let client = UpstreamClient()
        defer { client.close() }
        let bad = [
            (OutgoingRequest(url: "http://no-such-host.invalid/"), TransferFailure.Kind.resolve),
            (OutgoingRequest(url: ""), .badURL),
            (OutgoingRequest(url: "http://exa mple/"), .badURL),
            (OutgoingRequest(url: "http://127.0.0.1\0.example/"), .badURL),
            (OutgoingRequest(url: "ftp://127.0.0.1/"), .badURL),
            (OutgoingRequest(url: "file:///etc/passwd"), .badURL),
            (OutgoingRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader("A", "b\r\nC: d")]), .badHeader),
            (OutgoingRequest(url: "http://127.0.0.1:1/", headers: [HTTPHeader("A:", "b")]), .badHeader),
        ]
        for (request, kind) in bad {
            let failure = await failure(of: request, client)
            #expect(failure?.kind == kind, "\(request.url): \(failure?.message ?? "")")
            #expect(failure?.sentRequest == false)
        }
    }

    @Test("A long chain of transfers started by the end of the one before does not stall")
    @LoopActor func chain() async throws {
        let client = UpstreamClient()
        defer { client.close() }
        let last = Recorder()
        var left = 100
        let link = Recorder()
        link.onEnd = {
            left -= 1
            client.start(OutgoingRequest(url: "ftp://127.0.0.1/"), delegate: left > 0 ? link : last)
        }
        client.start(OutgoingRequest(url: "ftp://127.0.0.1/"), delegate: link)
        #expect(await last.end()?.kind == .badURL)
        #expect(link.outcomes.count == 100)
        link.onEnd = nil
    }

    @Test("A handshake that never answers ends at the connect deadline")
    @LoopActor func connectTimeout() async throws {
        let server = try RawServer(always: "")
        var options = UpstreamOptions()
        options.connectTimeout = .milliseconds(100)
        let client = UpstreamClient(options: options)
        defer {
            server.close()
            client.close()
        }
        let failure = await failure(of: OutgoingRequest(url: "https" + server.url.dropFirst(4)), client)
        #expect(failure?.kind == .connectTimeout)
        #expect(failure?.sentRequest == false)
    }

    @Test("A pooled connection that died is replaced without anyone noticing")
    @LoopActor func deadReuse() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let turns = try LoopTurns()
        defer { turns.close() }
        for count in 1...3 {
            let (_, body) = try await client.fetch(OutgoingRequest(url: server.url), limit: 9, deadline: .seconds(10))
            #expect(body.text == "ok")
            #expect(server.connections.count == count)
            server.connections.last?.close()
            try await turns.pass()
        }
        // Dies only when the request is already on it.
        let fickle = try RawServer { connection, _ in
            if connection.requests.count > 1 { connection.close() } else { connection.send("HTTP/1.1 204 No\r\n\r\n") }
        }
        defer { fickle.close() }
        for _ in 1...2 {
            let (head, _) = try await client.fetch(OutgoingRequest(url: fickle.url), limit: 9, deadline: .seconds(10))
            #expect(head.status == 204)
        }
        #expect(fickle.connections.map(\.requests.count) == [2, 1])
    }

    @Test("However often connections die in the middle of a request, none of the requests is lost")
    @LoopActor func deadAgainAndAgain() async throws {
        let fickle = try RawServer { connection, _ in
            if connection.requests.count > 1 { connection.close() } else { connection.send("HTTP/1.1 204 No\r\n\r\n") }
        }
        let steady = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let client = UpstreamClient()
        defer {
            fickle.close()
            steady.close()
            client.close()
        }
        for number in 1...20 {
            let request = OutgoingRequest(method: .get, url: fickle.url + "\(number)")
            let (head, _) = try await client.fetch(request, limit: 9, deadline: .seconds(10))
            #expect(head.status == 204)
            let sent = try #require(fickle.connections.last?.requests.last)
            #expect(sent.hasPrefix("GET /\(number) "), "it is sent again where it was to go")
            _ = try await client.fetch(
                OutgoingRequest(method: .get, url: steady.url),
                limit: 9,
                deadline: .seconds(10)
            )
        }
        #expect(fickle.connections.count == 20)
        #expect(steady.connections.map(\.requests.count) == [20])
    }

    @Test("Fetching stops at its limit and at its deadline")
    @LoopActor func fetchLimits() async throws {
        let server = try RawServer { connection, request in
            connection.send(
                "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345" + (request.hasPrefix("GET /all") ? "67890" : "")
            )
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let all = OutgoingRequest(method: .get, url: server.url + "all")
        let (_, body) = try await client.fetch(all, limit: 10, deadline: .seconds(10))
        #expect(body.count == 10)
        let half = OutgoingRequest(method: .get, url: server.url + "half")
        let cases = [
            (all, 9, Duration.seconds(10), TransferFailure.Kind.tooLarge), (half, 10, .milliseconds(100), .deadline),
        ]
        for (request, limit, deadline, kind) in cases {
            do {
                _ = try await client.fetch(request, limit: limit, deadline: deadline)
                Issue.record("should have failed as \(kind)")
            } catch {
                #expect(error.kind == kind)
                #expect(error.sentRequest)
            }
        }
        #expect(client.statistics.openTransfers == 0)
    }

    @Test("Closing the client ends what is open")
    @LoopActor func closing() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
        defer { server.close() }
        let client = UpstreamClient()
        let recorder = Recorder()
        client.start(OutgoingRequest(url: server.url), delegate: recorder)
        await recorder.bytes()
        client.close()
        #expect(await recorder.end()?.kind == .other)
        await server.connections.first?.ended()
        #expect(client.statistics.openConnections == 0)
        let late = Recorder()
        client.start(OutgoingRequest(url: server.url), delegate: late)
        #expect(await late.end()?.kind == .other)
    }

    @LoopActor private func failure(of request: OutgoingRequest, _ client: UpstreamClient) async -> TransferFailure? {
        let recorder = Recorder()
        client.start(request, delegate: recorder)
        #expect(recorder.calls == 0)
        return await recorder.end()
    }
}
