/// How much of a text a reader is willing to take in.
package struct JSONLimits: Sendable {
    /// How deep arrays and objects may nest; 1 allows one array of scalars.
    package var depth: Int
    package var bytes: Int
    /// How many values and keys there may be. Each costs 16 bytes while the document lives, up to eight times what it
    /// costs its sender.
    package var values: Int

    package init(depth: Int = 128, bytes: Int = 64 << 20, values: Int = 4 << 20) {
        self.depth = depth
        self.bytes = bytes
        self.values = values
    }
}
