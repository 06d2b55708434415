import Core
import EventLoop
import HTTPCodec
import TestSupport
import Testing
import Upstream

@Suite("Control over transfers", .onLoop, .timeLimit(.minutes(1)))
struct ControlTests {
    @Test("A paused transfer makes the peer wait, and resumed it completes")
    @LoopActor func pausing() async throws {
        let size = 32 * 1024 * 1024
        let server = try RawServer { connection, _ in
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            connection.send([UInt8](repeating: 65, count: size))
        }
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let turns = try LoopTurns()
        defer { turns.close() }
        let recorder = Recorder()
        let transfer = client.start(OutgoingRequest(url: server.url), delegate: recorder)
        recorder.onBytes = { transfer.pause() }
        await recorder.bytes()
        let connection = try #require(server.connections.first)
        try await turns.pass(20)
        let got = recorder.body.count
        let pending = connection.pendingBytes
        #expect(pending > size / 2, "the peer's bytes stay with the peer")
        try await turns.pass(20)
        #expect(recorder.body.count == got)
        #expect(connection.pendingBytes == pending)
        #expect(transfer.isPaused)
        // A little further, to see that pausing works again and again.
        for _ in 1...5 {
            let before = recorder.body.count
            transfer.resume()
            while recorder.body.count == before { try await turns.pass(1) }
        }
        recorder.onBytes = nil
        transfer.resume()
        #expect(await recorder.end() == nil)
        #expect(recorder.body.count == size)
    }

    @Test("A transfer may be paused before anything came")
    @LoopActor func pausedEarly() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let turns = try LoopTurns()
        defer { turns.close() }
        let recorder = Recorder()
        let transfer = client.start(OutgoingRequest(url: server.url), delegate: recorder)
        transfer.pause()
        while server.connections.first?.requests.first == nil { try await turns.pass(1) }
        try await turns.pass(10)
        #expect(recorder.body.isEmpty)
        transfer.resume()
        #expect(await recorder.end() == nil)
        #expect(recorder.text == "hello")
    }

    @Test("Cancelled after the head and silence: the peer sees it, the delegate hears nothing more")
    @LoopActor func cancelling() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let recorder = Recorder()
        let transfer = client.start(OutgoingRequest(url: server.url), delegate: recorder)
        await recorder.head()
        let connection = try #require(server.connections.first)
        connection.send("hello")
        transfer.cancel()
        transfer.cancel()
        transfer.pause()
        transfer.resume()
        transfer.releaseRequestBody()
        await connection.ended()
        #expect(recorder.calls == 1)
        #expect(client.statistics.openTransfers == 0)
        #expect(client.statistics.openConnections == 0)
        #expect(transfer.timings.firstByte > 0)
    }

    @Test("Cancelled before it was sent")
    @LoopActor func cancelledAtOnce() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let turns = try LoopTurns()
        defer { turns.close() }
        let recorder = Recorder()
        client.start(OutgoingRequest(url: server.url), delegate: recorder).cancel()
        client.start(OutgoingRequest(url: "ftp://x/"), delegate: recorder).cancel()
        client.start(OutgoingRequest(url: "http://no-such-host.invalid/"), delegate: recorder).cancel()
        try await turns.pass(10)
        #expect(recorder.calls == 0)
        #expect(client.statistics.openTransfers == 0)
    }

    @Test("Cancelled from inside each of the delegate's calls", arguments: ["head", "bytes", "end"])
    @LoopActor func cancelledInside(_ place: String) async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let turns = try LoopTurns()
        defer { turns.close() }
        let recorder = Recorder()
        let transfer = client.start(OutgoingRequest(url: server.url), delegate: recorder)
        switch place {
        case "head": recorder.onHead = { transfer.cancel() }
        case "bytes": recorder.onBytes = { transfer.cancel() }
        default: recorder.onEnd = { transfer.cancel() }
        }
        while recorder.calls == 0 { try await turns.pass(1) }
        try await turns.pass(10)
        #expect(recorder.calls == ["head": 1, "bytes": 2, "end": 3][place])
        let (head, body) = try await client.fetch(OutgoingRequest(url: server.url), limit: 9, deadline: .seconds(10))
        #expect(head.status == 200)
        #expect(body.text == "hello")
    }

    @Test("Started from inside each of the delegate's calls", arguments: ["head", "bytes", "end"])
    @LoopActor func startedInside(_ place: String) async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        let client = UpstreamClient()
        defer {
            server.close()
            client.close()
        }
        let first = Recorder()
        let second = Recorder()
        let url = server.url
        let startSecond: @LoopActor () -> Void = { client.start(OutgoingRequest(url: url), delegate: second) }
        switch place {
        case "head": first.onHead = startSecond
        case "bytes": first.onBytes = startSecond
        default: first.onEnd = startSecond
        }
        client.start(OutgoingRequest(url: url), delegate: first)
        #expect(await first.end() == nil)
        #expect(await second.end() == nil)
        #expect(first.text == "hello")
        #expect(second.text == "hello")
        #expect(first.outcomes.count == 1)
    }

    @Test("The client closed from inside each of the delegate's calls", arguments: ["head", "bytes", "end"])
    @LoopActor func closedInside(_ place: String) async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        defer { server.close() }
        let client = UpstreamClient()
        let first = Recorder()
        let second = Recorder()
        switch place {
        case "head": first.onHead = { client.close() }
        case "bytes": first.onBytes = { client.close() }
        default: first.onEnd = { client.close() }
        }
        client.start(OutgoingRequest(url: server.url), delegate: first)
        client.start(OutgoingRequest(url: server.url), delegate: second)
        await first.end()
        await second.end()
        #expect(first.outcomes.count == 1)
        #expect(second.outcomes.count == 1)
    }

    @Test("A client that nobody keeps lives until its transfers have ended")
    @LoopActor func forgottenClient() async throws {
        let server = try RawServer(always: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        defer { server.close() }
        let recorder = Recorder()
        UpstreamClient().start(OutgoingRequest(url: server.url), delegate: recorder)
        #expect(await recorder.end() == nil)
        await server.connections.first?.ended()
    }
}
