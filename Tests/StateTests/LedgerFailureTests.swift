import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Ledger when things fail", .onLoop, .timeLimit(.minutes(2)))
struct LedgerFailureTests {
    @Test("Sums are exact while Redis is frozen, killed and cut off, and forgets its scripts", arguments: UInt64(1)...5)
    @LoopActor func chaos(_ seed: UInt64) async throws {
        let server = try DurableRedisServer()
        let redises = [
            try await connectForLedger(server.url), try await connectForLedger(server.url),
            try await connectForLedger(server.url),
        ]
        let ledgers = redises.map { redis in
            makeLedger(redis) {
                $0.timeout = .milliseconds(20)
                $0.batchLimit = 7
                $0.window = 4
                $0.drainAttempts = 1_000
            }
        }
        let trouble = try await connectForLedger(server.url)
        var generator = SeededGenerator(seed: seed)
        var simulator = LedgerSimulator()
        var faults: [Int: Int] = [:]
        for number in 0..<3_000 {
            let entry = LedgerEntry.random("r\(number)", &generator)
            simulator.add(entry)
            ledgers[Int.random(in: 0..<3, using: &generator)].record(entry)
            let fault = Int.random(in: 0..<150, using: &generator)
            if fault < 4 { faults[fault, default: 0] += 1 }
            switch fault {
            case 0:
                server.freeze()
                let missed = redises.map(\.statistics.errors)
                let last = LedgerEntry.random("frozen\(number)", &generator)
                simulator.add(last)
                ledgers[0].record(last)
                await eventually("the deadline passes") { redises[0].statistics.errors > missed[0] }
                server.thaw()
            case 1:
                server.kill()
                try server.start()
            case 2: trouble.send(["CLIENT", "KILL", "TYPE", "normal"])
            case 3: trouble.send(["SCRIPT", "FLUSH"])
            // Lets turns of the loop pass, so that some batches are under way and others not.
            case 4..<40: _ = try? await trouble.command(["PING"])
            default: break
            }
        }
        await eventually("all are connected again") { redises.allSatisfy(\.isReady) && trouble.isReady }
        for ledger in ledgers { await ledger.drain() }
        #expect(ledgers.allSatisfy { $0.waitingRows == 0 && $0.rowsLost == 0 })
        try await simulator.check(ledgers[0])
        let length = try await trouble.command(["XLEN", "millrace:{ledger}:log"]).int
        #expect(length == simulator.requestIDs.count)
        print("ledger chaos \(seed): frozen, killed, cut off, scripts lost: \((0..<4).map { faults[$0] ?? 0 })")
        for redis in redises + [trouble] { redis.close() }
        server.stop()
    }

    @Test("A batch that ran although its answer was lost is not counted again")
    @LoopActor func lostAnswer() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) { $0.timeout = .milliseconds(20) }
        ledger.record(.sample("r0"))
        await ledger.drain()
        server.freeze()
        let missed = redis.statistics.timeouts
        ledger.record(.sample("r1"))
        await eventually("the deadline passes") { redis.statistics.timeouts > missed }
        for number in 2..<10 { ledger.record(.sample("r\(number)")) }
        server.thaw()
        await ledger.drain()
        #expect(try await ledger.log().rows.map(\.entry.requestID) == (0..<10).reversed().map { "r\($0)" })
        #expect(try await requests(ledger) == 10)
        redis.close()
        server.stop()
    }

    @Test("A batch is refused while an earlier one is missing, and then both count once")
    @LoopActor func missingBatch() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        var options = Ledger.Options()
        options.batchLimit = 1
        options.window = 3
        var queue = LedgerQueue(options: options, workerKey: "millrace:{ledger}:batch:w")
        for number in 0..<4 { queue.add(.sample("r\(number)")) }
        var batches: [LedgerBatch] = []
        while let batch = queue.next(logLength: 100) { batches.append(batch) }
        #expect(batches.map(\.number) == [1, 2, 3], "the window is full")
        func write(_ batch: LedgerBatch) async throws -> Int? {
            try await redis.evaluate(StateScripts.writeLedger, keys: batch.keys, arguments: batch.arguments).int
        }
        #expect(try await write(batches[0]) == 1)
        #expect(try await write(batches[2]) == 1, "the second is missing")
        queue.acknowledge(upTo: 1)
        queue.rewind()
        var again: [LedgerBatch] = []
        while let batch = queue.next(logLength: 100) { again.append(batch) }
        #expect(again.map(\.number) == [2, 3, 4])
        // Redis forgets; what the worker has an answer for is not asked for again.
        _ = try await redis.command(["DEL", "millrace:{ledger}:batch:w"])
        #expect(try await write(again[1]) == 1)
        for batch in again { #expect(try await write(batch) == batch.number) }
        // Late copies of earlier calls.
        for batch in batches { #expect(try await write(batch) == 4) }
        queue.acknowledge(upTo: 4)
        #expect(queue.isEmpty)
        let rows = try await makeLedger(redis).log().rows
        #expect(rows.map(\.entry.requestID) == ["r3", "r2", "r1", "r0"])
        redis.close()
        server.stop()
    }

    @Test("A Redis that comes back with nothing gets what it had not confirmed, and nothing twice")
    @LoopActor func emptyRedis() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) {
            $0.batchLimit = 3
            $0.drainAttempts = 1_000
        }
        for number in 0..<10 { ledger.record(.sample("old\(number)")) }
        await ledger.drain()
        server.freeze()
        for number in 0..<20 { ledger.record(.sample("r\(number)")) }
        // The frozen server has the first of these calls in its socket and dies with them.
        await eventually("the deadline passes") { redis.statistics.timeouts > 0 }
        server.kill()
        try server.start()
        await ledger.drain()
        #expect(try await ledger.log().rows.map(\.entry.requestID) == (0..<20).reversed().map { "r\($0)" })
        #expect(try await requests(ledger) == 20)
        redis.close()
        server.stop()
    }

    @Test("While Redis is away memory is bounded: the oldest rows are lost, no sum is")
    @LoopActor func bounds() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) {
            $0.rowLimit = 100
            $0.batchLimit = 16
            $0.window = 2
            $0.drainAttempts = 1_000
        }
        server.kill()
        await eventually("the loss is noticed") { !redis.isReady }
        var generator = SeededGenerator(seed: 7)
        var simulator = LedgerSimulator()
        for number in 0..<1_000 {
            let entry = LedgerEntry.random("r\(number)", &generator)
            simulator.add(entry)
            ledger.record(entry)
        }
        #expect(ledger.waitingRows == 100)
        #expect(ledger.rowsLost == 900)
        try server.start()
        await ledger.drain()
        try await simulator.check(ledger)
        let rows = try await ledger.log().rows
        #expect(rows.map(\.entry.requestID) == (900..<1_000).reversed().map { "r\($0)" })
        redis.close()
        server.stop()
    }

    @Test("Sums of given up rows stay bounded in hours and ids without losing any")
    func tally() {
        var tally = LedgerTally(hourLimit: 3, idLimit: 5)
        for number in 0..<200 {
            tally.add(.sample("r", key: "k\(number % 20)", at: LedgerEntry.start + number / 20 * 3_600))
        }
        var requests: [LedgerDimension: Int] = [:]
        var hours: Set<LedgerHour> = []
        while !tally.isEmpty {
            let taken = tally.take(4)
            #expect((1...4).contains(taken.count))
            for (series, sums) in taken {
                requests[series.dimension, default: 0] += sums.requests
                hours.insert(series.hour)
            }
        }
        #expect(requests == [.key: 200, .model: 200, .provider: 200, .account: 200])
        #expect(hours.count == 3)
    }

    @Test("A full Redis takes the entries once it has room again")
    @LoopActor func fullRedis() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) { $0.drainAttempts = 1_000 }
        ledger.record(.sample("r0"))
        await ledger.drain()
        _ = try await redis.command(["CONFIG", "SET", "maxmemory", "1"])
        let errors = redis.statistics.errors
        ledger.record(.sample("r1"))
        await eventually("it is refused") { redis.statistics.errors > errors + 2 }
        #expect(try await requests(ledger) == 1, "what is there can still be read")
        _ = try await redis.command(["CONFIG", "SET", "maxmemory", "0"])
        await ledger.drain()
        #expect(try await requests(ledger) == 2)
        redis.close()
        server.stop()
    }

    @Test("A batch that Redis can never take does not hold up the others")
    @LoopActor func poison() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis)
        let next = LedgerEntry.start + 3_600
        let key = LedgerHourNames.key(.key, LedgerHour(containing: next))
        _ = try await redis.command(["SET", .text(key), "no hash"])
        ledger.record(.sample("r0"))
        await ledger.drain()
        ledger.record(.sample("bad", at: next))
        await ledger.drain()
        ledger.record(.sample("r1"))
        await ledger.drain()
        #expect(try await requests(ledger) == 2)
        #expect(ledger.rowsLost == 1)
        redis.close()
        server.stop()
    }

    @Test("The end of the process does not wait for a Redis that stays away")
    @LoopActor func drainGivesUp() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) { $0.drainAttempts = 3 }
        server.kill()
        await eventually("the loss is noticed") { !redis.isReady }
        ledger.record(.sample("r0"))
        await ledger.drain()
        #expect(ledger.rowsLost == 0)
        ledger.close()
        redis.close()
        server.stop()
    }

    @LoopActor private func requests(_ ledger: Ledger) async throws -> Int {
        let hour = LedgerHour(containing: LedgerEntry.start)
        return try await ledger.usage(from: hour, to: hour, by: .key).map(\.sums.requests).reduce(0, +)
    }
}
