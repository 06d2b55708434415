internal import CUV

/// Starts closing a heap-allocated libuv handle and frees its memory in the close callback, the first moment at which
/// libuv lets go of it.
func closeFreeingMemory<Handle>(_ handle: UnsafeMutablePointer<Handle>) {
    let raw = unsafe UnsafeMutableRawPointer(handle).assumingMemoryBound(to: uv_handle_t.self)
    unsafe raw.pointee.data = nil
    unsafe uv_close(raw) { closed in
        unsafe UnsafeMutableRawPointer(closed)?.deallocate()
    }
}

/// What libuv or the system said, as a value.
package struct LoopError: Error, Sendable, Equatable {
    package let code: Int32
    package let operation: StaticString

    package static func == (left: LoopError, right: LoopError) -> Bool { left.code == right.code }

    /// libuv's own words for the code.
    package var reason: String {
        guard let text = unsafe uv_strerror(code) else { return "unknown error" }
        return unsafe String(cString: text)
    }

    package var isAddressInUse: Bool { code == UV_EADDRINUSE.rawValue }

    static func check(_ code: Int32, _ operation: StaticString) throws(LoopError) {
        if code < 0 { throw LoopError(code: code, operation: operation) }
    }
}
