import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Leader", .onLoop, .timeLimit(.minutes(1)))
struct LeaderTests {
    /// A run of a job: under which token, by whom.
    private struct Run: Equatable {
        let token: Int
        let worker: Int
    }

    @Test("When the leader dies another takes over within the lease, and jobs keep their time")
    @LoopActor func takeover() async throws {
        let server = try RedisServer()
        let redises = [try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL)]
        let leaders = redises.enumerated().map { makeLeader($1, "w\($0)") }
        var often: [Run] = []
        var seldom: [Run] = []
        for (worker, leader) in leaders.enumerated() {
            leader.job("often", every: .milliseconds(20)) {
                often.append(Run(token: leader.token ?? 0, worker: worker))
            }
            leader.job("seldom", every: .seconds(3_600)) {
                seldom.append(Run(token: leader.token ?? 0, worker: worker))
            }
            leader.start()
        }
        await eventually("one leads and works") { often.count >= 3 && seldom.count == 1 }
        #expect(leaders.count { $0.isLeader } == 1)
        let first = try #require(leaders.firstIndex { $0.isLeader })
        let second = 1 - first
        let before = often.count
        // As good as dead: nothing it does reaches Redis any more.
        redises[first].close()
        let clock = ContinuousClock()
        let start = clock.now
        await eventually("the other leads") {
            #expect(leaders.count { $0.isLeader } <= 1)
            return leaders[second].isLeader
        }
        let waited = clock.now - start
        #expect(waited < Self.lease + .milliseconds(250), "the lease, and some time for a busy machine")
        print("leader: taken over \(waited) after the end of the other, the lease being \(Self.lease)")
        await eventually("the other works") { often.count >= before + 3 }
        #expect(seldom.count == 1, "a change of leader does not make a job early")
        #expect(often.prefix(before).allSatisfy { $0.worker == first && $0.token > 0 })
        #expect(often.dropFirst(before).allSatisfy { $0.worker == second && $0.token > often[0].token })
        await leaders[second].resign()
        let lease = try await connectForLedger(server.unixURL)
        #expect(try await lease.command(["EXISTS", "millrace:{leader}"]).int == 0)
        close(leaders, redises + [lease])
        server.stop()
    }

    @Test("There are never two, whatever happens to Redis")
    @LoopActor func neverTwo() async throws {
        let server = try RedisServer()
        let redises = [
            try await connectForLedger(server.unixURL) { $0.timeout = .milliseconds(20) },
            try await connectForLedger(server.unixURL) { $0.timeout = .milliseconds(20) },
            try await connectForLedger(server.unixURL) { $0.timeout = .milliseconds(20) },
        ]
        let leaders = redises.enumerated().map { makeLeader($1, "w\($0)") }
        var runs: [Run] = []
        var busy = 0
        for (worker, leader) in leaders.enumerated() {
            leader.job("work", every: .milliseconds(5)) {
                #expect(busy == 0, "no run begins before the last one is over")
                busy += 1
                runs.append(Run(token: leader.token ?? 0, worker: worker))
                _ = try? await redises[worker].command(["PING"])
                busy -= 1
            }
            leader.start()
        }
        for round in 0..<9 {
            let before = runs.count
            await eventually("somebody leads and works") {
                #expect(leaders.count { $0.isLeader } <= 1)
                return runs.count >= before + 5
            }
            if round % 3 == 2 {
                // Comes back without any memory, of tokens too.
                server.kill()
                try server.start()
            } else {
                server.freeze()
                await eventually("the leader gives up by itself") { !leaders.contains { $0.isLeader } }
                server.thaw()
            }
        }
        let tokens = runs.map(\.token)
        #expect(tokens == tokens.sorted(), "a run never follows one of a later leader")
        for token in Set(tokens) { #expect(Set(runs.filter { $0.token == token }.map(\.worker)).count == 1) }
        print("leader: \(runs.count) runs under \(Set(tokens).count) tokens, one leader at a time")
        close(leaders, redises)
        server.stop()
    }

    @Test("A Redis that has lost its memory makes nobody leader while the lost lease may be trusted")
    @LoopActor func lostLease() async throws {
        let server = try RedisServer()
        let redises = [try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL)]
        let leaders = redises.enumerated().map { makeLeader($1, "w\($0)") }
        leaders[0].start()
        await eventually("the first leads") { leaders[0].isLeader }
        let token = try #require(leaders[0].token)
        leaders[1].start()
        // Cut off, it trusts its lease to the end.
        redises[0].close()
        server.kill()
        try server.start()
        #expect(leaders[0].isLeader)
        await eventually("the second leads") {
            #expect(leaders.count { $0.isLeader } <= 1)
            return leaders[1].isLeader
        }
        #expect(try #require(leaders[1].token) > token)
        close(leaders, redises)
        server.stop()
    }

    @Test("A job that takes longer than its interval never overlaps itself")
    @LoopActor func slowJob() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let leader = makeLeader(redis, "w")
        var (running, most, finished) = (0, 0, 0)
        leader.job("slow", every: .milliseconds(1)) {
            running += 1
            most = max(most, running)
            for _ in 0..<50 { _ = try? await redis.command(["PING"]) }
            running -= 1
            finished += 1
        }
        leader.start()
        await eventually("it runs again and again") { finished >= 5 }
        #expect(most == 1)
        close([leader], [redis])
        server.stop()
    }

    private static let lease = Duration.milliseconds(300)

    @LoopActor private func makeLeader(_ redis: RedisClient, _ id: String) -> Leader {
        var options = Leader.Options()
        options.lease = Self.lease
        options.renewal = .milliseconds(60)
        options.retryInterval = .milliseconds(50)
        return Leader(redis: redis, id: id, options: options, log: .silent)
    }

    @LoopActor private func close(_ leaders: [Leader], _ redises: [RedisClient]) {
        for leader in leaders { leader.close() }
        for redis in redises { redis.close() }
    }
}
