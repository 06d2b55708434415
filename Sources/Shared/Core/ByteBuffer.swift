/// Bytes that grow at the end and are consumed from the front.
///
/// The storage is an array, so copies share it until one side writes, and a `readable` slice shares it too. Consumed
/// bytes are dropped lazily: the front is moved only when it outweighs what is left, so a long stream costs one copy
/// of each byte at most.
@usableFromInline
package struct ByteBuffer: Sendable {
    @usableFromInline var storage: [UInt8]
    @usableFromInline var head: Int

    @inlinable package init() {
        storage = []
        head = 0
    }

    /// Takes the bytes over without copying.
    @inlinable package init(_ bytes: [UInt8]) {
        storage = bytes
        head = 0
    }

    @inlinable package init(_ text: String) {
        self.init(Array(text.utf8))
    }

    @inlinable package var count: Int { storage.count - head }
    @inlinable package var isEmpty: Bool { storage.count == head }
    @inlinable package var capacity: Int { storage.capacity }

    /// What has been written and not yet consumed; shares the storage.
    @inlinable package var readable: ArraySlice<UInt8> { storage[head...] }

    /// The byte `offset` places behind the front.
    @inlinable package subscript(offset: Int) -> UInt8 { storage[head + offset] }

    @inlinable package mutating func append(_ byte: UInt8) {
        storage.append(byte)
    }

    @inlinable package mutating func append(_ bytes: some Sequence<UInt8>) {
        storage.append(contentsOf: bytes)
    }

    @inlinable package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        unsafe storage.append(contentsOf: bytes)
    }

    /// Appends bytes through the concrete overload: the generic one is not specialised across modules and costs ten times
    /// as much for a few bytes.
    package mutating func append(copying bytes: ArraySlice<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    @inlinable package mutating func append(_ text: String) {
        storage.append(contentsOf: text.utf8)
    }

    /// Appends a literal without building a `String`.
    @inlinable package mutating func append(_ text: StaticString) {
        text.withUTF8Buffer { unsafe storage.append(contentsOf: UnsafeRawBufferPointer($0)) }
    }

    /// Appends a whole number in decimal digits.
    package mutating func append(decimal value: Int) {
        append(unsigned: UInt64(value.magnitude), isNegative: value < 0)
    }

    /// Appends a whole number in lower-case hexadecimal digits, as chunk sizes want it.
    package mutating func append(hexadecimal value: Int) {
        var digits = 1
        while digits < 16, value >> (digits * 4) != 0 { digits += 1 }
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: value >> (place * 4)) & 15
            storage.append(digit < 10 ? 48 + digit : 87 + digit)
        }
    }

    @inlinable package mutating func reserve(_ additional: Int) {
        storage.reserveCapacity(storage.count + additional)
    }

    /// Forgets the first `count` readable bytes.
    @inlinable package mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "cannot consume more than is readable")
        head += count
        if head == storage.count {
            storage.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 4096, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
    }

    /// Forgets everything; the memory is kept for the next use unless told otherwise.
    @inlinable package mutating func removeAll(keepingCapacity: Bool = true) {
        storage.removeAll(keepingCapacity: keepingCapacity)
        head = 0
    }

    /// Hands all readable bytes over and leaves the buffer empty and without memory.
    @inlinable package mutating func take() -> [UInt8] {
        let bytes = head == 0 ? storage : Array(storage[head...])
        storage = []
        head = 0
        return bytes
    }

    @inlinable package func withReadableBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        try unsafe storage.withUnsafeBytes { all in
            try unsafe body(UnsafeRawBufferPointer(rebasing: all[head...]))
        }
    }

    private mutating func append(unsigned value: UInt64, isNegative: Bool) {
        if isNegative { storage.append(45) }
        guard value >= 10 else {
            storage.append(48 + UInt8(value))
            return
        }
        var divisor: UInt64 = 10
        while value / divisor >= 10 { divisor *= 10 }
        var rest = value
        while divisor > 0 {
            storage.append(48 + UInt8(rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }
}
