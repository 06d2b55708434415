/// A C function and its argument, made by the wrapper of one C library for a thread of another.
///
/// No Swift code may run on that thread: reference counts are not atomic here. Whoever makes one keeps what `context`
/// points to until the work is done.
@safe
package struct ForeignWork {
    package typealias Function = @convention(c) (UnsafeMutableRawPointer?) -> Void

    package let function: Function
    package let context: UnsafeMutableRawPointer

    package init(_ function: @escaping Function, _ context: UnsafeMutableRawPointer) {
        unsafe self.function = function
        unsafe self.context = context
    }
}
