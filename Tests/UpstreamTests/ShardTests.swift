import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing
import Upstream

@Suite("Many transfers on several multi handles", .onLoop, .timeLimit(.minutes(1)))
struct ShardTests {
    /// Answers `/held` with a stream that goes on until somebody ends it, and everything else at once.
    @LoopActor private func makeServer() throws -> RawServer {
        try RawServer { connection, request in
            if request.contains("/held") {
                connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            } else {
                connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        }
    }

    /// Opens streams and waits until each has brought its first bytes.
    @LoopActor private func hold(_ count: Int, at url: String, _ client: UpstreamClient) async -> [(Transfer, Recorder)]
    {
        let held = (0..<count).map { _ in
            let recorder = Recorder()
            return (client.start(OutgoingRequest(url: url + "held"), delegate: recorder), recorder)
        }
        for (_, recorder) in held { await recorder.bytes() }
        return held
    }

    @Test("A plain request beside many open streams finds its connection again")
    @LoopActor func besideStreams() async throws {
        let server = try makeServer()
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let held = await hold(200, at: server.url, client)
        #expect(client.statistics.openTransfers == 200)
        #expect(client.statistics.openConnections == 200)
        for _ in 1...5 {
            let request = OutgoingRequest(method: .get, url: server.url)
            #expect(try await client.fetch(request, limit: 9, deadline: .seconds(10)).1.text == "ok")
        }
        #expect(client.statistics.connectionsMade == 201)
        #expect(client.statistics.connectionsReused == 4)
        // Streams end in every shard, whole or cut short, and those that stay are none the worse.
        for (place, connection) in server.connections.enumerated() where place < 200 && place % 2 == 0 {
            connection.send("0\r\n\r\n")
        }
        for (place, (transfer, recorder)) in held.enumerated() {
            if server.connections[place].requests.isEmpty { Issue.record("a connection without a request") }
            if recorder.outcomes.isEmpty, place % 2 == 1 { transfer.cancel() }
        }
        for (place, (_, recorder)) in held.enumerated() where place % 2 == 0 {
            #expect(await recorder.end() == nil)
            #expect(recorder.text == "hello")
        }
        #expect(client.statistics.openTransfers == 0)
        #expect(client.statistics.openConnections == 101)
        let again = await hold(101, at: server.url, client)
        #expect(client.statistics.connectionsMade == 201, "connections that wait in several shards are all used again")
        #expect(again.count == 101)
    }

    @Test("An origin's requests go where its connections are, as soon as there is room again")
    @LoopActor func twoOrigins() async throws {
        let busy = try makeServer()
        let quiet = try makeServer()
        var options = UpstreamOptions()
        options.transfersPerShard = 4
        let client = UpstreamClient(options: options)
        defer {
            busy.close()
            quiet.close()
            client.close()
        }
        let request = OutgoingRequest(method: .get, url: quiet.url)
        _ = try await client.fetch(request, limit: 9, deadline: .seconds(10))
        let held = await hold(4, at: busy.url, client)
        _ = try await client.fetch(request, limit: 9, deadline: .seconds(10))
        #expect(client.statistics.connectionsMade == 6, "the first shard is full")
        for (transfer, _) in held { transfer.cancel() }
        for _ in 1...3 { _ = try await client.fetch(request, limit: 9, deadline: .seconds(10)) }
        #expect(client.statistics.connectionsMade == 6)
        #expect(client.statistics.connectionsReused == 3)
    }

    @Test("Connections of a shard that rests are closed, and the shard serves again")
    @LoopActor func resting() async throws {
        let server = try makeServer()
        var options = UpstreamOptions()
        options.shardLife = .milliseconds(20)
        let client = UpstreamClient(options: options)
        defer {
            server.close()
            client.close()
        }
        for count in 1...2 {
            let request = OutgoingRequest(method: .get, url: server.url)
            #expect(try await client.fetch(request, limit: 9, deadline: .seconds(10)).1.text == "ok")
            #expect(client.statistics.connectionsMade == count)
            await server.connections.last?.ended()
            #expect(client.statistics.openConnections == 0)
        }
        let held = await hold(1, at: server.url, client)
        let turns = try LoopTurns()
        defer { turns.close() }
        let start = LoopClock.now
        while LoopClock.now.milliseconds(since: start) < 60 { try await turns.pass(1) }
        #expect(client.statistics.openConnections == 1, "a shard with a transfer never rests")
        held.first?.0.cancel()
    }

    @Test("More kinds of requests than are remembered, in turn")
    @LoopActor func forgetting() async throws {
        let server = try makeServer()
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        for round in 1...2 {
            for number in 1...300 {
                let request = OutgoingRequest(
                    method: .get,
                    url: server.url + "\(number)/../x?a=b",
                    headers: [HTTPHeader("X-Number", "\(number)")]
                )
                _ = try await client.fetch(request, limit: 9, deadline: .seconds(10))
                let sent = try #require(server.connections.first?.requests.last)
                #expect(sent.hasPrefix("GET /\(number)/../x?a=b HTTP/1.1\r\n"), "a path is sent as it is")
                #expect(sent.contains("\r\nX-Number: \(number)\r\n"), "round \(round)")
            }
        }
        #expect(server.connections.count == 1)
    }
}
