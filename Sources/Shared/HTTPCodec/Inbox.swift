/// Bytes as they came off a connection, consumed from the front. Gives memory back: a connection at rest is cheap
/// whatever passed through it before.
@usableFromInline struct Inbox: Sendable {
    /// Above this an empty inbox lets its memory go instead of keeping it for the next bytes.
    static let keptCapacity = 4096

    @usableFromInline private(set) var storage: [UInt8] = []
    private(set) var start = 0

    var count: Int { storage.count - start }
    var isEmpty: Bool { start == storage.count }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        unsafe storage.append(contentsOf: bytes)
    }

    mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "cannot consume more than arrived")
        start += count
    }

    /// Drops consumed bytes once they outweigh the rest, which costs each byte one move at most. Returns by how much
    /// positions in `storage` have moved to the front.
    @discardableResult mutating func reclaim() -> Int {
        let shift = start
        let rest = count
        guard shift > 0, shift >= rest else { return 0 }
        if storage.capacity > Self.keptCapacity, rest < storage.capacity / 4 {
            storage = Array(storage[shift...])
        } else {
            storage.removeSubrange(..<shift)
        }
        start = 0
        return shift
    }

    mutating func removeAll() {
        storage = []
        start = 0
    }
}
