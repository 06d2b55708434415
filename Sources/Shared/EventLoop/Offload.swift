internal import CUV
package import Core

/// Runs a C function that takes long on a helper thread of libuv, so that the loop goes on meanwhile.
@LoopActor
package enum Offload {
    /// Returns when the function has run.
    package static func run(_ work: ForeignWork) async throws(LoopError) {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Void, LoopError>, Never>) in
            OffloadedWork(work, continuation).start()
        }
        try result.get()
    }
}

/// One function on its way through the pool; frees itself when it has run.
@safe private final class OffloadedWork {
    private let continuation: CheckedContinuation<Result<Void, LoopError>, Never>
    private let request: UnsafeMutablePointer<cuv_offload>

    init(_ work: ForeignWork, _ continuation: CheckedContinuation<Result<Void, LoopError>, Never>) {
        self.continuation = continuation
        unsafe request = .allocate(capacity: 1)
        unsafe request.initialize(
            to: cuv_offload(request: uv_work_t(), function: work.function, context: work.context)
        )
    }

    deinit { unsafe request.deallocate() }

    func start() {
        // Retained until the callback, or released below when there will be none.
        let retained = unsafe Unmanaged.passRetained(self)
        unsafe request.pointee.request.data = retained.toOpaque()
        let code = unsafe cuv_offload_queue(
            LoopExecutor.shared.loop,
            request,
            { request, status in
                guard let data = unsafe request?.pointee.data else { return }
                unsafe Unmanaged<OffloadedWork>.fromOpaque(data).takeRetainedValue().finish(status)
            }
        )
        if code < 0 {
            unsafe retained.release()
            finish(code)
        }
    }

    private func finish(_ code: Int32) {
        let error = LoopError(code: code, operation: "run on a helper thread")
        continuation.resume(returning: code < 0 ? .failure(error) : .success(()))
    }
}
