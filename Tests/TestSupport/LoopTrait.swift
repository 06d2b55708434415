internal import EventLoop
internal import Glibc
internal import Synchronization
package import Testing

/// Runs the event loop on a thread of its own for suites marked `.onLoop`, whose tests are `@LoopActor`.
package struct LoopTrait: SuiteTrait, TestTrait, TestScoping {
    private static let isStarted = Mutex(false)

    package var isRecursive: Bool { true }

    @concurrent package func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        Self.start()
        try await function()
    }

    private static func start() {
        isStarted.withLock { isStarted in
            guard !isStarted else { return }
            isStarted = true
            SignalWatcher.ignoreBrokenPipes()
            var thread = pthread_t()
            unsafe pthread_create(
                &thread,
                nil,
                { _ in
                    LoopExecutor.shared.run()
                    return nil
                },
                nil
            )
        }
    }
}

extension Trait where Self == LoopTrait {
    /// The event loop runs while the suite does.
    package static var onLoop: LoopTrait { LoopTrait() }
}
