import Core
import EventLoop
import Glibc
import Redis
import TestSupport
import Testing

@testable import State

/// A private Redis that writes every change to its disk before it answers, so that what it has answered survives
/// `kill()`.
@LoopActor
final class DurableRedisServer {
    let directory: String
    private var pid: pid_t = 0

    var url: String { "unix://" + directory + "/redis.sock" }

    init() throws {
        var template = Array("/tmp/millrace-ledger-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try start()
    }

    func start() throws {
        let arguments = [
            "redis-server", "--port", "0", "--unixsocket", directory + "/redis.sock", "--dir", directory, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--logfile", directory + "/redis.log",
        ]
        var words: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe words.append(nil)
        defer { unsafe words.forEach { unsafe free($0) } }
        let code = unsafe posix_spawnp(&pid, "redis-server", nil, nil, words, environ)
        try #require(code == 0)
    }

    func kill() {
        guard pid > 0 else { return }
        Glibc.kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
        pid = 0
    }

    func freeze() {
        Glibc.kill(pid, SIGSTOP)
        var status: Int32 = 0
        unsafe waitpid(pid, &status, WUNTRACED)
    }

    func thaw() { Glibc.kill(pid, SIGCONT) }

    func stop() {
        kill()
        for folder in [directory + "/appendonlydir", directory] {
            guard let stream = unsafe opendir(folder) else { continue }
            while let entry = unsafe readdir(stream) {
                let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                unsafe unlink(folder + "/" + name)
            }
            unsafe closedir(stream)
            unsafe rmdir(folder)
        }
    }

    isolated deinit { stop() }
}

/// A client that notices failures and comes back quickly.
@LoopActor func connectForLedger(
    _ url: String,
    _ change: (inout RedisOptions) -> Void = { _ in }
) async throws -> RedisClient {
    var options = RedisOptions()
    options.timeout = .seconds(1)
    options.longestBackoff = .milliseconds(20)
    options.breakerThreshold = 3
    change(&options)
    let redis = RedisClient(address: try #require(RedisAddress(url)), options: options, log: .silent)
    redis.start()
    await eventually("connected") { redis.isReady }
    return redis
}

/// A ledger that is in a hurry.
@LoopActor func makeLedger(_ redis: RedisClient, _ change: (inout Ledger.Options) -> Void = { _ in }) -> Ledger {
    var options = Ledger.Options()
    options.retryInterval = .milliseconds(10)
    options.timeout = .milliseconds(100)
    change(&options)
    return Ledger(redis: redis, options: options, log: .silent)
}

extension LedgerEntry {
    /// 15 January 2027, 08:00 UTC.
    static let start = 1_800_000_000

    static func sample(_ id: String, key: String = "k1", model: String = "m1", at time: Int = start) -> LedgerEntry {
        LedgerEntry(
            requestID: id,
            time: time,
            keyDigest: key,
            keyName: "name of \(key)",
            owner: "owner",
            route: "/v1/chat/completions",
            provider: "openai",
            model: model,
            upstreamModel: model + "-2027",
            account: "a1",
            status: 200,
            end: "done",
            isStream: true,
            durationMS: 1_200,
            firstByteMS: 300,
            upstreamCalls: 1,
            chunks: 64,
            usage: TokenUsage(prompt: 100, completion: 50, cached: 20, cacheWrite: 5, reasoning: 10),
            cost: 1_500_000,
            isEstimated: false
        )
    }

    /// An entry like any that a request might leave.
    static func random(_ id: String, _ generator: inout some RandomNumberGenerator) -> LedgerEntry {
        let hasUsage = Int.random(in: 0..<4, using: &generator) > 0
        let status = [200, 200, 200, 429, 502].randomElement(using: &generator) ?? 200
        return LedgerEntry(
            requestID: id,
            time: start + Int.random(in: 0..<3, using: &generator) * 3_600,
            keyDigest: "key\(Int.random(in: 0..<7, using: &generator))",
            route: "/v1/chat/completions",
            provider: ["openai", "deepseek", ""].randomElement(using: &generator) ?? "",
            model: "model \(Int.random(in: 0..<5, using: &generator)) \"ü\"",
            account: Bool.random(using: &generator) ? "account" : "",
            status: status,
            end: "done",
            error: status == 200 ? "" : "upstream_error",
            isStream: Bool.random(using: &generator),
            durationMS: Int.random(in: 0..<100_000, using: &generator),
            upstreamCalls: Int.random(in: 0..<4, using: &generator),
            usage: hasUsage
                ? TokenUsage(
                    prompt: Int.random(in: 0..<200_000, using: &generator),
                    completion: Int.random(in: 0..<10_000, using: &generator),
                    cached: Int.random(in: 0..<100, using: &generator)
                ) : nil,
            cost: hasUsage && Bool.random(using: &generator)
                ? Int.random(in: 0..<900_000_000_000, using: &generator) : nil,
            isEstimated: Bool.random(using: &generator)
        )
    }
}

/// Counts for itself what the ledger should have, in its own way.
struct LedgerSimulator {
    var expected: [LedgerDimension: [Int: [String: UsageSums]]] = [:]
    var requestIDs: Set<String> = []

    mutating func add(_ entry: LedgerEntry) {
        requestIDs.insert(entry.requestID)
        let ids: [LedgerDimension: String] = [
            .key: entry.keyDigest, .model: entry.model, .provider: entry.provider, .account: entry.account,
        ]
        for (dimension, id) in ids {
            var sums = UsageSums()
            let hour = entry.time - entry.time % 3_600
            let id = id == "" ? "-" : id
            sums = expected[dimension]?[hour]?[id] ?? sums
            sums.requests += 1
            if entry.status != 200 { sums.errors += 1 }
            if entry.isStream { sums.streams += 1 }
            sums.prompt += entry.usage?.prompt ?? 0
            sums.completion += entry.usage?.completion ?? 0
            sums.cached += entry.usage?.cached ?? 0
            sums.cacheWrite += entry.usage?.cacheWrite ?? 0
            sums.reasoning += entry.usage?.reasoning ?? 0
            sums.cost += entry.cost ?? 0
            if entry.usage != nil, entry.cost == nil { sums.unpriced += 1 }
            if entry.isEstimated { sums.estimated += 1 }
            sums.milliseconds += entry.durationMS
            sums.upstreamCalls += entry.upstreamCalls
            expected[dimension, default: [:]][hour, default: [:]][id] = sums
        }
    }

    @LoopActor func check(_ ledger: Ledger, hours: Int = 3) async throws {
        let first = LedgerHour(containing: LedgerEntry.start)
        for dimension in LedgerDimension.allCases {
            let rows = try await ledger.usage(
                from: first,
                to: LedgerHour(number: first.number + hours - 1),
                by: dimension
            )
            var found: [Int: [String: UsageSums]] = [:]
            for row in rows { found[row.start, default: [:]][row.id] = row.sums }
            #expect(found == expected[dimension] ?? [:], "by \(dimension.rawValue)")
        }
    }
}

/// What the process has used of the processor, in microseconds.
func ledgerProcessorTime() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
}
