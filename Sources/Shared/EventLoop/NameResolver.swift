internal import CUV
internal import Glibc

/// Turns host names into numeric addresses without blocking the loop (libuv asks the system on a helper thread).
@LoopActor
package enum NameResolver {
    /// The numeric addresses of `host`, in the system's order of preference.
    package static func addresses(of host: String) async throws(LoopError) -> [String] {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<[String], LoopError>, Never>) in
            Lookup(continuation).start(host)
        }
        return try result.get()
    }
}

/// One question to the system's resolver; frees itself when the answer is there.
@safe private final class Lookup {
    private let continuation: CheckedContinuation<Result<[String], LoopError>, Never>
    private let request: UnsafeMutablePointer<uv_getaddrinfo_t>

    init(_ continuation: CheckedContinuation<Result<[String], LoopError>, Never>) {
        self.continuation = continuation
        unsafe request = .allocate(capacity: 1)
    }

    deinit { unsafe request.deallocate() }

    func start(_ host: String) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        // Retained until the callback, or released below when there will be none.
        let retained = unsafe Unmanaged.passRetained(self)
        unsafe request.pointee.data = retained.toOpaque()
        let code = unsafe uv_getaddrinfo(
            LoopExecutor.shared.loop,
            request,
            { request, status, found in
                guard let data = unsafe request?.pointee.data else { return }
                let lookup = unsafe Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue()
                unsafe lookup.finish(status, found)
            },
            host,
            nil,
            &hints
        )
        if code < 0 {
            unsafe retained.release()
            continuation.resume(returning: .failure(LoopError(code: code, operation: "resolve a name")))
        }
    }

    private func finish(_ status: Int32, _ found: UnsafeMutablePointer<addrinfo>?) {
        defer { unsafe uv_freeaddrinfo(found) }
        guard status == 0 else {
            continuation.resume(returning: .failure(LoopError(code: status, operation: "resolve a name")))
            return
        }
        var addresses: [String] = []
        var entry = unsafe found
        while let current = unsafe entry {
            if let text = unsafe numeric(current.pointee) { addresses.append(text) }
            unsafe entry = current.pointee.ai_next
        }
        continuation.resume(returning: .success(addresses))
    }

    private func numeric(_ info: addrinfo) -> String? {
        var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        let code = unsafe getnameinfo(
            info.ai_addr,
            info.ai_addrlen,
            &text,
            socklen_t(text.count),
            nil,
            0,
            NI_NUMERICHOST
        )
        guard code == 0 else { return nil }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
