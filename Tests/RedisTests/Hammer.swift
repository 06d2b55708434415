import Core
import EventLoop
import Redis
import TestSupport
import Testing

/// Issues commands without pause and notes how each one ended.
@LoopActor final class Hammer {
    private let client: RedisClient
    private let limit: Duration
    private var isRunning = true
    private var running = 0
    private(set) var issued = 0
    private(set) var succeeded = 0
    /// Those that may have run although nobody knows.
    private(set) var unknown = 0
    private(set) var failed = 0
    private(set) var prefixes: [String: Int] = [:]
    private(set) var codes: [RedisError.Code: Int] = [:]
    private(set) var slowestMilliseconds = 0.0
    /// How often a completion was called for a command that had one already.
    private(set) var doubles = 0

    /// `lanes` commands are under way at any time, each with this time-out.
    init(_ client: RedisClient, lanes: Int = 8, limit: Duration = .milliseconds(200), _ call: @escaping Call) {
        self.client = client
        self.limit = limit
        running = lanes
        for lane in 0..<lanes {
            Task { @LoopActor in
                while isRunning { await once(lane, call) }
                running -= 1
            }
        }
    }

    /// Issues one command through the callback given.
    typealias Call =
        @LoopActor (
            _ number: Int, _ timeout: Duration, @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
        ) -> Void

    var isDone: Bool { running == 0 }
    var settled: Int { succeeded + unknown + failed }

    func stop() async {
        isRunning = false
        await eventually("every command ends") { isDone }
    }

    private func once(_ lane: Int, _ call: @escaping Call) async {
        let number = issued
        issued += 1
        let start = LoopClock.now
        var calls = 0
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            call(number, limit) { [self] result in
                calls += 1
                guard calls == 1 else {
                    doubles += 1
                    return
                }
                note(result, LoopClock.now.milliseconds(since: start))
                continuation.resume()
            }
        }
        if case .some = codes[.unavailable] { try? await Task.sleep(for: .milliseconds(1)) }
    }

    private func note(_ result: Result<RedisReply, RedisError>, _ milliseconds: Double) {
        slowestMilliseconds = max(slowestMilliseconds, milliseconds)
        switch result {
        case .success: succeeded += 1
        case .failure(let error):
            if error.mayHaveRun { unknown += 1 } else { failed += 1 }
            codes[error.code, default: 0] += 1
            if let prefix = error.prefix { prefixes[String(prefix), default: 0] += 1 }
        }
    }
}

extension Hammer: @LoopActor CustomStringConvertible {
    var description: String {
        "\(issued) commands: \(succeeded) served, \(failed) not run, \(unknown) unknown, "
            + "slowest \(Int(slowestMilliseconds)) ms"
    }
}
