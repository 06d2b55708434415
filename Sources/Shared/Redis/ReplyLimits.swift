internal import CHiredis

/// Keeps hiredis from believing a peer that announces an array of billions: it would reserve the memory for all of it
/// at once and visit every place of it when the connection ends.
@safe enum ReplyLimits {
    /// More than any command of ours can return.
    private static let arrayLength: Int32 = 1 << 20

    /// Lives as long as the process, because readers keep pointers to it.
    nonisolated(unsafe) private static let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(
        capacity: 1
    )
    /// hiredis' own way to make an array; the same for all its readers. Only the loop's thread comes here.
    nonisolated(unsafe) private static var makeArray:
        (@convention(c) (UnsafePointer<redisReadTask>?, Int32) -> UnsafeMutableRawPointer?)?

    static func apply(to reader: UnsafeMutablePointer<redisReader>) {
        if unsafe makeArray == nil {
            guard let defaults = unsafe reader.pointee.fn else { return }
            unsafe makeArray = defaults.pointee.createArray
            unsafe functions.initialize(to: defaults.pointee)
            unsafe functions.pointee.createArray = { task, length in
                // No array is reported as lack of memory, which ends the connection.
                length > ReplyLimits.arrayLength ? nil : unsafe ReplyLimits.makeArray?(task, length)
            }
        }
        unsafe reader.pointee.fn = functions
    }
}
