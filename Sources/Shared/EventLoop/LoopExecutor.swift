internal import CUV
internal import Glibc
package import Synchronization

/// The libuv loop as a Swift executor: serial, task, and, once installed, also the process's main and default one, so
/// that every piece of Swift code runs on the loop's thread and a resumed task costs an append to an array.
///
/// Two halves. The inbox is for other threads and lives behind a lock; the rest belongs to the loop's thread alone and
/// is touched only after `isOnLoop` said so.
@safe package final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    package static let shared = LoopExecutor()

    enum Arrival {
        case job(UnownedJob)
        case delayed(UnownedJob, nanoseconds: Int64)
    }

    /// Jobs from other threads. The first one wakes the loop, the following ones find it on its way.
    private let inbox = Mutex<[Arrival]>([])
    /// Wake-ups sent so far; tests prove with it that work on the loop causes none.
    package let wakeUps = Atomic<Int>(0)

    /// The thread inside `run()`, 0 while there is none. Written only by that thread.
    private let thread = Atomic<UInt>(0)

    // From here on: only on the loop's thread.
    nonisolated(unsafe) let loop: UnsafeMutablePointer<uv_loop_t>
    nonisolated(unsafe) private let wakeUp: UnsafeMutablePointer<uv_async_t>
    nonisolated(unsafe) private let prepare: UnsafeMutablePointer<uv_prepare_t>
    nonisolated(unsafe) private let idle: UnsafeMutablePointer<uv_idle_t>
    /// Whether `idle` is started.
    nonisolated(unsafe) private var isSpinning = false
    nonisolated(unsafe) private var ready: [UnownedJob] = []
    nonisolated(unsafe) private var running: [UnownedJob] = []
    nonisolated(unsafe) private var turnEndHooks: [() -> Void] = []

    /// How many jobs one turn may run before sockets get their chance again.
    private static let jobsPerTurn = 10_000

    private init() {
        unsafe loop = .allocate(capacity: 1)
        unsafe wakeUp = .allocate(capacity: 1)
        unsafe prepare = .allocate(capacity: 1)
        unsafe idle = .allocate(capacity: 1)
        unsafe uv_loop_init(loop)
        unsafe uv_async_init(loop, wakeUp) { _ in LoopExecutor.shared.emptyInbox() }
        unsafe uv_prepare_init(loop, prepare)
        unsafe uv_prepare_start(prepare) { _ in LoopExecutor.shared.endTurn() }
        // Neither of the two keeps the loop alive or makes it spin unless it is started.
        unsafe uv_idle_init(loop, idle)
        unsafe uv_unref(UnsafeMutableRawPointer(prepare).assumingMemoryBound(to: uv_handle_t.self))
        unsafe uv_unref(UnsafeMutableRawPointer(idle).assumingMemoryBound(to: uv_handle_t.self))
    }

    /// Whether the caller is on the loop's thread.
    package var isOnLoop: Bool {
        let current = UInt(pthread_self())
        return thread.load(ordering: .relaxed) == current
    }

    /// Runs the loop on the calling thread until `stop()`.
    package func run() {
        let current = UInt(pthread_self())
        let (isFirst, _) = thread.compareExchange(expected: 0, desired: current, ordering: .sequentiallyConsistent)
        precondition(isFirst, "the loop runs on one thread only")
        emptyInbox()
        unsafe uv_run(loop, UV_RUN_DEFAULT)
        thread.store(0, ordering: .sequentiallyConsistent)
    }

    /// Makes `run()` return after the current turn.
    package func stop() {
        unsafe uv_stop(loop)
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isOnLoop {
            unsafe ready.append(job)
        } else {
            deliver(.job(job))
        }
    }

    /// Lets `hook` run once a turn, just before the loop looks at its sockets again: the place to flush what the turn
    /// has gathered. Hooks stay for the life of the process.
    @LoopActor package func atEndOfTurn(_ hook: @escaping @LoopActor () -> Void) {
        // They are called on the loop's thread only; the cast saves a closure for every turn.
        unsafe turnEndHooks.append(unsafeBitCast(hook, to: (() -> Void).self))
    }

    package func checkIsolated() {
        precondition(isOnLoop, "this code belongs on the event loop's thread")
    }

    package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

    package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
        unsafe UnownedSerialExecutor(ordinary: self)
    }

    func deliver(_ arrival: Arrival) {
        let isFirst = inbox.withLock { jobs in
            jobs.append(arrival)
            return jobs.count == 1
        }
        guard isFirst else { return }
        wakeUps.add(1, ordering: .relaxed)
        unsafe uv_async_send(wakeUp)
    }

    /// Runs a job after a delay; only on the loop.
    func enqueue(_ job: UnownedJob, afterNanoseconds delay: Int64) {
        let timer = DelayedJob(job: job)
        unsafe timer.start(on: unsafe loop, milliseconds: UInt64(max(0, (delay + 999_999) / 1_000_000)))
    }

    private func emptyInbox() {
        let arrivals = inbox.withLock { jobs in
            let taken = jobs
            jobs.removeAll(keepingCapacity: true)
            return taken
        }
        for arrival in arrivals {
            switch arrival {
            case .job(let job): unsafe ready.append(job)
            case .delayed(let job, let nanoseconds): enqueue(job, afterNanoseconds: nanoseconds)
            }
        }
    }

    private func endTurn() {
        if unsafe !ready.isEmpty { runReadyJobs() }
        runHooks()
        if unsafe !ready.isEmpty {
            // Hooks may resume tasks; neither those nor what they leave to flush may wait for the next socket event.
            runReadyJobs()
            runHooks()
        }
        // An active idle handle keeps the next poll from blocking.
        let isBusy = unsafe !ready.isEmpty
        guard unsafe isBusy != isSpinning else { return }
        unsafe isSpinning = isBusy
        if isBusy {
            unsafe uv_idle_start(idle) { _ in }
        } else {
            unsafe uv_idle_stop(idle)
        }
    }

    private func runHooks() {
        var place = 0
        while unsafe place < turnEndHooks.count {
            unsafe turnEndHooks[place]()
            place += 1
        }
    }

    private func runReadyJobs() {
        var budget = Self.jobsPerTurn
        let serial = unsafe asUnownedSerialExecutor()
        let task = unsafe asUnownedTaskExecutor()
        while unsafe !ready.isEmpty, budget > 0 {
            unsafe swap(&ready, &running)
            budget -= unsafe running.count
            var place = 0
            while unsafe place < running.count {
                unsafe running[place].runSynchronously(isolatedTo: serial, taskExecutor: task)
                place += 1
            }
            unsafe running.removeAll(keepingCapacity: true)
        }
    }
}

/// A one-shot libuv timer that runs a job and frees itself.
@safe private final class DelayedJob {
    private let job: UnownedJob

    init(job: UnownedJob) { self.job = job }

    func start(on loop: UnsafeMutablePointer<uv_loop_t>, milliseconds: UInt64) {
        let timer = UnsafeMutablePointer<uv_timer_t>.allocate(capacity: 1)
        unsafe uv_timer_init(loop, timer)
        // Retained here, released in the timer's callback, which runs exactly once.
        unsafe timer.pointee.data = Unmanaged.passRetained(self).toOpaque()
        unsafe uv_timer_start(
            timer,
            { timer in
                guard let timer = unsafe timer, let data = unsafe timer.pointee.data else { return }
                let delayed = unsafe Unmanaged<DelayedJob>.fromOpaque(data).takeRetainedValue()
                unsafe closeFreeingMemory(timer)
                LoopExecutor.shared.enqueue(ExecutorJob(delayed.job))
            },
            milliseconds,
            0
        )
    }
}
