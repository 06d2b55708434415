/// A Lua script that runs inside Redis as one step.
///
/// Redis knows scripts by the SHA-1 of their text and tells it when a script is loaded, so nobody has to compute it
/// here. Within one process a name stands for one text.
package struct RedisScript: Sendable {
    package let name: String
    package let source: [UInt8]

    package init(_ name: String, source: [UInt8]) {
        self.name = name
        self.source = source
    }
}
