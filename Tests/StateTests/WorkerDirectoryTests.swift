import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Worker directory", .onLoop, .timeLimit(.minutes(1)))
struct WorkerDirectoryTests {
    @Test("Workers see each other, their numbers and their snapshots, and forget those that die or leave")
    @LoopActor func living() async throws {
        let server = try RedisServer()
        var redises: [RedisClient] = []
        for _ in 0..<3 { redises.append(try await connectForLedger(server.unixURL)) }
        var open = 0
        let workers = try redises.enumerated().map { number, redis in
            try makeWorker(redis, number) { WorkerStatus(openRequests: 5, openStreams: open, isDraining: number == 2) }
        }
        for (number, worker) in workers.enumerated() {
            if number > 0 { worker.publish(snapshot: [UInt8(number), 0, 255]) }
            worker.start()
        }
        await eventually("all know of all") { workers.allSatisfy { $0.living == 3 } }
        open = 7
        try await eventually("the numbers follow") {
            try await workers[0].list().allSatisfy { $0.status.openStreams == 7 }
        }
        let list = try await workers[0].list().sorted { $0.pid < $1.pid }
        #expect(list.map(\.id) == workers.map(\.identity.id))
        #expect(list.map(\.host) == ["host", "host", "host"])
        #expect(list.map(\.address) == ["127.0.0.1:9000", "127.0.0.1:9001", "127.0.0.1:9002"])
        #expect(list.map(\.started) == [100, 101, 102])
        #expect(list.map(\.version) == ["1.0", "1.0", "1.0"])
        #expect(list.map(\.status.isDraining) == [false, false, true])
        #expect(list.allSatisfy { $0.silence < .milliseconds(500) && $0.status.openRequests == 5 })
        let snapshots = try await workers[0].snapshots().sorted { $0.bytes[0] < $1.bytes[0] }
        #expect(snapshots.map(\.id) == [workers[1].identity.id, workers[2].identity.id])
        #expect(snapshots.map(\.bytes) == [[1, 0, 255], [2, 0, 255]])
        #expect(try await workers[1].snapshots().map(\.id) == [workers[2].identity.id], "its own is not among them")

        await workers[2].goodbye()
        #expect(try await workers[0].list().count == 2)
        await eventually("one has left") { workers[0].living == 2 }
        redises[1].close()
        await eventually("one has died") { workers[0].living == 1 }
        #expect(try await workers[0].list().map(\.id) == [workers[0].identity.id])
        #expect(try await workers[0].snapshots().isEmpty)
        for worker in workers { worker.close() }
        // Nothing stays of a cluster that is gone.
        try await eventually("all is forgotten") {
            try await redises[0].command(["KEYS", "*"]).elements.isEmpty
        }
        for redis in redises { redis.close() }
        server.stop()
    }

    @Test("While Redis is away the count stays, and afterwards the worker is entered again")
    @LoopActor func outage() async throws {
        let server = try RedisServer()
        let redises = [try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL)]
        let workers = try redises.enumerated().map { number, redis in try makeWorker(redis, number) { WorkerStatus() } }
        #expect(workers[0].living == 1)
        for worker in workers { worker.start() }
        await eventually("both know of both") { workers.allSatisfy { $0.living == 2 } }
        server.kill()
        await eventually("the loss is noticed") { redises.allSatisfy { !$0.isReady } }
        #expect(await caughtCode { try await workers[0].list() } == .stateUnavailable)
        workers[0].beat()
        #expect(workers[0].living == 2)
        try server.start()
        await eventually("both are entered again") { (try? await workers[0].list().count) == 2 }
        for worker in workers { worker.close() }
        for redis in redises { redis.close() }
        server.stop()
    }

    @LoopActor private func makeWorker(
        _ redis: RedisClient,
        _ number: Int,
        _ status: @escaping @LoopActor () -> WorkerStatus
    ) throws -> WorkerDirectory {
        var options = WorkerDirectory.Options()
        options.interval = .milliseconds(50)
        options.lifetime = .milliseconds(500)
        options.snapshotLifetime = .milliseconds(700)
        let identity = try WorkerIdentity(
            host: "host",
            pid: number,
            address: "127.0.0.1:\(9_000 + number)",
            version: "1.0",
            started: 100 + number
        )
        return WorkerDirectory(redis: redis, identity: identity, options: options, status: status)
    }
}
