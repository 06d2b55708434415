import Core
import EventLoop
import Glibc
import Redis
import TestSupport
import Testing

@testable import State

/// What leases cost. The figures are printed; only what would be out of all proportion fails.
@Suite("Account speed", .onLoop, .timeLimit(.minutes(2)))
struct AccountSpeedTests {
    @Test("Lease and report by script", arguments: [10, 10_000])
    @LoopActor func scripts(_ count: Int) async throws {
        let server = try RedisServer()
        let worker = try await PoolWorker(server) { $0.use = .scripted }
        try await fill(worker, count)
        for state in ["all ready", "9 of 10 rest for the model", "all but one rest for the model"] {
            if state != "all ready" { try await rest(worker, count, state == "all but one rest for the model") }
            var leases: [Double] = []
            var reports: [Double] = []
            for _ in 0..<1000 {
                let began = LoopClock.now
                let lease = try await worker.pool.lease(model: "m")
                let leased = LoopClock.now
                try await worker.pool.reportAndWait(lease, .success)
                leases.append(leased.milliseconds(since: began) * 1000)
                reports.append(LoopClock.now.milliseconds(since: leased) * 1000)
            }
            let lease = percentiles(leases)
            let report = percentiles(reports)
            #expect(lease.median < 20_000)
            print(
                "\(count) accounts, \(state): lease \(Int(lease.median)) µs p50, \(Int(lease.high)) µs p99;",
                "report \(Int(report.median)) µs p50, \(Int(report.high)) µs p99"
            )
        }
        let statistics = try await worker.redis.command(["INFO", "commandstats"]).text ?? ""
        for line in statistics.split(whereSeparator: \.isNewline) where line.hasPrefix("cmdstat_evalsha") {
            print("\(count) accounts, all scripts: \(line)")
        }
        worker.close()
        server.stop()
    }

    @Test("Choosing from the mirror", arguments: [10, 10_000])
    @LoopActor func choices(_ count: Int) async throws {
        let pool = AccountPool(
            name: "lab",
            environment: (0..<count).map { "key number \($0)" },
            redis: nil,
            vault: nil,
            log: .silent
        )
        for state in ["all ready", "all but one rest for the model"] {
            if state != "all ready" {
                for number in 1..<count {
                    guard case .lease(let lease) = pool.choose(model: "m") else { throw Unexpected() }
                    pool.report(lease, .limited("r\(number)", retryAfter: 3600))
                }
            }
            let rounds = 100_000
            let began = Self.processorTime
            for _ in 0..<rounds {
                guard case .lease(let lease) = pool.choose(model: "m") else { throw Unexpected() }
                pool.report(lease, .success)
            }
            let time = (Self.processorTime - began) / Double(rounds)
            #expect(time < 100)
            print("\(count) accounts, \(state): choose and report \(time) µs of processor time")
        }
    }

    /// Of this thread, in microseconds.
    private static var processorTime: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }

    @LoopActor private func fill(_ worker: PoolWorker, _ count: Int) async throws {
        let pool = worker.pool
        for start in stride(from: 0, to: count, by: 500) {
            let tasks = (start..<min(start + 500, count)).map { number in
                Task { @LoopActor in _ = try await pool.add(credential: "credential \(number)") }
            }
            for task in tasks { try await task.value }
        }
    }

    /// Has accounts refused for the model, by requests of their own.
    @LoopActor private func rest(_ worker: PoolWorker, _ count: Int, _ allButOne: Bool) async throws {
        let wanted = allButOne ? count - 1 : count * 9 / 10
        let resting = try await worker.redis.command(["ZCARD", "millrace:{pool:lab}:cooling:m"]).int ?? 0
        for number in resting..<wanted {
            let lease = try await worker.pool.lease(model: "m")
            worker.pool.report(lease, .limited("r\(number)", retryAfter: 3600))
        }
        await eventually("all is known") { worker.pool.pendingReports == 0 }
    }
}
