import Core
import EventLoop
import Synchronization
import TestSupport
import Testing

@Suite("The loop as an executor", .onLoop)
struct LoopExecutorTests {
    @Test("A task that yields on the loop causes no wake-up")
    @LoopActor func yieldingIsFree() async {
        // Another suite's task may be on its way to the loop; only a count that grows with the work is a fault.
        let before = LoopExecutor.shared.wakeUps.load(ordering: .relaxed)
        // A worker installs the loop as the default executor; a test process has to ask for it task by task.
        await withTaskExecutorPreference(LoopExecutor.shared) {
            for _ in 0..<10_000 { await Self.resumeLater() }
        }
        let after = LoopExecutor.shared.wakeUps.load(ordering: .relaxed)
        #expect(after - before < 1_000)
    }

    @Test("A timer fires after its delay and not after it was cancelled")
    @LoopActor func timers() async {
        var fired: [Int] = []
        let start = LoopClock.now
        let cancelled = LoopTimer { fired.append(0) }
        cancelled.schedule(after: .milliseconds(5))
        cancelled.cancel()
        await withCheckedContinuation { continuation in
            let timer = LoopTimer {
                fired.append(1)
                continuation.resume()
            }
            timer.schedule(after: .milliseconds(20))
            keep(timer)
        }
        #expect(fired == [1])
        #expect(LoopClock.now.milliseconds(since: start) >= 19.0)
        cancelled.close()
        release()
    }

    @Test("Host names are resolved without the loop waiting")
    @LoopActor func names() async throws {
        let addresses = try await NameResolver.addresses(of: "localhost")
        #expect(addresses.contains("127.0.0.1") || addresses.contains("::1"))
        await #expect(throws: LoopError.self) { try await NameResolver.addresses(of: "no-such-host.invalid") }
    }

    @LoopActor private static func resumeLater() async {
        await withCheckedContinuation { continuation in
            Task { @LoopActor in continuation.resume() }
        }
    }

    @LoopActor private static var kept: [LoopTimer] = []
    @LoopActor private func keep(_ timer: LoopTimer) { Self.kept.append(timer) }
    @LoopActor private func release() {
        for timer in Self.kept { timer.close() }
        Self.kept = []
    }
}
