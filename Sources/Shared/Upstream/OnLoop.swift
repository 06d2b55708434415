internal import EventLoop

/// Runs `body` as loop-isolated code from one of libcurl's callbacks. Those come only from inside calls that the loop's
/// own code makes, so in release builds the thread is not looked at again: it would be for every chunk.
@inline(__always)
func onLoop<Result>(_ body: @LoopActor () -> Result) -> Result {
    assert(LoopExecutor.shared.isOnLoop, "libcurl is called on the loop's thread only")
    return withoutActuallyEscaping(body) { escaping in
        unsafe unsafeBitCast(escaping, to: (() -> Result).self)()
    }
}
