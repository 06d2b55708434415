// The only file that uses the experimental executor interface of the runtime. Calling `_createExecutors` first thing in
// a synchronous `main` makes the loop the main and the default executor without any compiler flag.
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) package import _Concurrency

extension LoopExecutor: MainExecutor {}

extension LoopExecutor: SchedulingExecutor {
    package func enqueue<C: Clock>(
        _ job: consuming ExecutorJob,
        after delay: C.Duration,
        tolerance: C.Duration?,
        clock: C
    ) {
        let nanoseconds = (delay as? Duration)?.clampedNanoseconds ?? 0
        schedule(job, afterNanoseconds: nanoseconds)
    }

    package func enqueue<C: Clock>(
        _ job: consuming ExecutorJob,
        at instant: C.Instant,
        tolerance: C.Duration?,
        clock: C
    ) {
        let delay = clock.now.duration(to: instant)
        let nanoseconds = (delay as? Duration)?.clampedNanoseconds ?? 0
        schedule(job, afterNanoseconds: nanoseconds)
    }

    private func schedule(_ job: consuming ExecutorJob, afterNanoseconds nanoseconds: Int64) {
        let job = UnownedJob(job)
        if isOnLoop {
            enqueue(job, afterNanoseconds: nanoseconds)
        } else {
            deliver(.delayed(job, nanoseconds: nanoseconds))
        }
    }
}

extension Duration {
    /// The span in nanoseconds, at most about 31 years so that sums cannot overflow.
    fileprivate var clampedNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(0, min(seconds, 1_000_000_000)) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}

/// Tells the runtime to run everything on the loop.
package enum LoopExecutorFactory: ExecutorFactory {
    package static var mainExecutor: any MainExecutor { LoopExecutor.shared }
    package static var defaultExecutor: any TaskExecutor { LoopExecutor.shared }

    /// Must be called before anything asynchronous has run in the process.
    package static func install() {
        _createExecutors(factory: LoopExecutorFactory.self)
    }
}
