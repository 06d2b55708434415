import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Ledger", .onLoop, .timeLimit(.minutes(2)))
struct LedgerTests {
    @Test("A turn's entries leave in one call and are read back as they were, in sums and in the log")
    @LoopActor func roundTrip() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis)
        var simulator = LedgerSimulator()
        // The first call has to load the script.
        let entries = (0..<20).map { LedgerEntry.sample("r\($0)", key: "k\($0 % 3)", model: "m\($0 % 2)") }
        ledger.record(entries[0])
        await ledger.drain()
        let before = redis.statistics.commands
        for entry in entries.dropFirst() { ledger.record(entry) }
        await ledger.drain()
        #expect(redis.statistics.commands - before == 1)
        for entry in entries { simulator.add(entry) }
        try await simulator.check(ledger)
        let page = try await ledger.log()
        #expect(page.rows.map(\.entry) == entries.reversed())
        #expect(page.next == nil)

        let first = LedgerHour(containing: LedgerEntry.start)
        let whole = try await ledger.usage(from: first, to: first, by: .key, ids: ["k0", "nobody"], each: .whole)
        #expect(whole.map(\.id) == ["k0"])
        #expect(whole.first?.sums.requests == 7)
        let key = LedgerHourNames.key(.key, first)
        #expect(key == "millrace:{ledger}:key:2027011508")
        let ttl = try await redis.command(["TTL", .text(key)]).int ?? 0
        #expect((39 * 86_400...40 * 86_400).contains(ttl))
        redis.close()
        server.stop()
    }

    @Test("An entry's texts may hold anything, and empty members stay empty")
    func rows() throws {
        var entry = LedgerEntry(requestID: "a\"\n\u{1F600}", time: 5, keyDigest: "master", status: 499)
        #expect(LedgerEntry(row: entry.row) == entry)
        entry.usage = TokenUsage()
        entry.cost = 0
        entry.firstByteMS = 0
        entry.isEstimated = true
        #expect(LedgerEntry(row: entry.row) == entry)
        entry.model = String(repeating: "é", count: 1_000)
        #expect(LedgerEntry(row: entry.row)?.model == String(repeating: "é", count: 80))
        #expect(LedgerEntry(row: Array("[1]".utf8)) == nil)
        #expect(LedgerEntry(row: Array("{".utf8)) == nil)
    }

    @Test("Sums survive packing, whatever their size")
    func packing() {
        var sums = UsageSums()
        #expect(UsageSums(packed: sums.packed) == sums)
        for (place, path) in UsageSums.order.enumerated() {
            sums[keyPath: path] = [127, 128, 255, 256, 65_535, 65_536, 1 << 32, 1 << 52, -1, -129][place % 10]
        }
        #expect(UsageSums(packed: sums.packed) == sums)
        for length in 0..<sums.packed.count { #expect(UsageSums(packed: Array(sums.packed.prefix(length))) == nil) }
        // As scripts write them: the shortest form of each number, here with one that is not known and others missing.
        sums = UsageSums()
        (sums.requests, sums.errors, sums.streams) = (200, 70_000, 1 << 40)
        let short: [UInt8] = [0x93, 0xCC, 200, 0xCE, 0, 1, 0x11, 0x70, 0xCF, 0, 0, 1, 0, 0, 0, 0, 0]
        #expect(UsageSums(packed: short) == sums)
        #expect(UsageSums(packed: [0xDC, 0, 14] + [UInt8](repeating: 0, count: 14)) == UsageSums())
    }

    @Test("Usage by day and in whole is the sum of the hours")
    @LoopActor func periods() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis)
        // From 08:00 of one day to 10:00 of the next but one.
        for hour in 0..<50 { ledger.record(.sample("r\(hour)", at: LedgerEntry.start + hour * 3_600)) }
        await ledger.drain()
        let first = LedgerHour(containing: LedgerEntry.start)
        let last = LedgerHour(number: first.number + 60)
        let hours = try await ledger.usage(from: first, to: last, by: .model)
        #expect(hours.map(\.sums.requests) == Array(repeating: 1, count: 50))
        #expect(hours.map(\.start) == (0..<50).map { LedgerEntry.start + $0 * 3_600 })
        let days = try await ledger.usage(from: first, to: last, by: .model, each: .day)
        #expect(days.map(\.sums.requests) == [16, 24, 10])
        #expect(days.map(\.start).allSatisfy { $0 % 86_400 == 0 })
        let whole = try await ledger.usage(from: first, to: last, by: .model, each: .whole)
        #expect(whole.map(\.sums.cost) == [50 * 1_500_000])
        #expect(await caughtCode { try await ledger.usage(from: last, to: first, by: .model) } == .invalidRequest)
        let far = LedgerHour(number: first.number + 100_000)
        #expect(await caughtCode { try await ledger.usage(from: first, to: far, by: .model) } == .invalidRequest)
        redis.close()
        server.stop()
    }

    @Test("Ids beyond the limit of an hour are counted as other, for all workers together")
    @LoopActor func idLimit() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledgers = (0..<2).map { _ in makeLedger(redis) { $0.modelLimit = 10 } }
        for round in 0..<3 {
            for number in 0..<40 {
                ledgers[number % 2].record(.sample("r", model: "m\(number)"))
                // Small and large batches alike.
                if round == 1 { await ledgers[number % 2].drain() }
            }
        }
        for ledger in ledgers { await ledger.drain() }
        let hour = LedgerHour(containing: LedgerEntry.start)
        let rows = try await ledgers[0].usage(from: hour, to: hour, by: .model)
        #expect(rows.count == 11)
        #expect(rows.map(\.sums.requests).reduce(0, +) == 120)
        #expect(rows.first { $0.id == "other" }?.sums.requests == 90)
        #expect(rows.filter { $0.id != "other" }.allSatisfy { $0.sums.requests == 3 })
        redis.close()
        server.stop()
    }

    @Test("The log is read in pages, filtered, and kept short")
    @LoopActor func pages() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis)
        for number in 0..<1_500 {
            var entry = LedgerEntry.sample("r\(number)", key: "k\(number % 10)")
            entry.status = number % 100 == 0 ? 429 : 200
            ledger.record(entry)
        }
        await ledger.drain()
        var seen: [String] = []
        var next: String?
        repeat {
            let page = try await ledger.log(before: next, count: 400)
            seen += page.rows.map(\.entry.requestID)
            next = page.next
        } while next != nil
        #expect(seen == (0..<1_500).reversed().map { "r\($0)" })
        var filter = LogFilter()
        filter.key = "k0"
        filter.status = 400...499
        let found = try await ledger.log(count: 5, filter: filter)
        #expect(found.rows.map(\.entry.requestID) == ["r1400", "r1300", "r1200", "r1100", "r1000"])
        let rest = try await ledger.log(before: found.next, count: 50, filter: filter)
        #expect(rest.rows.count == 10)
        #expect(rest.next == nil)
        #expect(await caughtCode { try await ledger.log(before: "1; FLUSHALL") } == .invalidRequest)

        ledger.logLength = 200
        for number in 0..<100 { ledger.record(.sample("s\(number)")) }
        await ledger.drain()
        let length = try await redis.command(["XLEN", "millrace:{ledger}:log"]).int ?? 0
        #expect((200..<400).contains(length))
        redis.close()
        server.stop()
    }

    @Test(
        "Hours are named in UTC",
        arguments: [
            (0, "1970010100"), (951_782_400, "2000022900"), (951_868_799, "2000022923"), (1_800_000_000, "2027011508"),
            (4_107_542_399, "2100022823"), (4_107_542_400, "2100030100"),
        ]
    )
    func names(_ seconds: Int, _ name: String) {
        #expect(LedgerHour(containing: seconds).name == name)
    }

    @Test("The cost of an entry, one a turn and sixteen a turn", arguments: [1, 16])
    @LoopActor func cost(_ entriesPerTurn: Int) async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let ledger = makeLedger(redis) { $0.timeout = .seconds(5) }
        let digest = String(repeating: "0123456789abcdef", count: 4)
        let entry = LedgerEntry.sample("0b9f2c1ad77e4f5f", key: digest, model: "gpt-4o-mini")
        ledger.record(entry)
        await ledger.drain()
        let turns = 4_000 / entriesPerTurn
        let before = redis.statistics.commands
        let start = ledgerProcessorTime()
        for _ in 0..<turns {
            for _ in 0..<entriesPerTurn { ledger.record(entry) }
            // The turn ends when the answer is awaited.
            await ledger.drain()
        }
        let used = ledgerProcessorTime() - start
        let calls = redis.statistics.commands - before
        #expect(calls == turns)
        let each = (used / Double(turns * entriesPerTurn) * 100).rounded() / 100
        print("ledger: \(entriesPerTurn) entries a turn: \(each) CPU-us an entry, waiting for each answer included")
        redis.close()
        server.stop()
    }
}
