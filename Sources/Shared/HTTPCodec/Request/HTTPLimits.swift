/// What one request may ask of us. All counts are in bytes unless named otherwise.
package struct HTTPLimits: Sendable {
    /// Request line and header fields with their line ends.
    package var headBytes: Int
    /// Number of header fields, and of trailer fields.
    package var headerCount: Int
    package var targetBytes: Int
    package var bodyBytes: Int
    /// One chunk-size line with its extension.
    package var chunkLineBytes: Int

    package init(
        headBytes: Int = 32 * 1024,
        headerCount: Int = 100,
        targetBytes: Int = 8 * 1024,
        bodyBytes: Int = 64 << 20,
        chunkLineBytes: Int = 256
    ) {
        // Places in a head are kept in 32 bits.
        self.headBytes = min(headBytes, 1 << 30)
        self.headerCount = headerCount
        self.targetBytes = targetBytes
        self.bodyBytes = bodyBytes
        self.chunkLineBytes = chunkLineBytes
    }
}
