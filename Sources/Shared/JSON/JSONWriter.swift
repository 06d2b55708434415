package import Core

/// Writes JSON into a byte buffer: puts the commas, escapes strings, and trusts its caller to pair beginnings with ends
/// and keys with values.
///
/// One bit of state is enough for the commas: a value needs one before it unless it follows an opening bracket or a key.
package struct JSONWriter: Sendable {
    package private(set) var buffer: ByteBuffer
    private var needsComma = false

    package init() { buffer = ByteBuffer() }

    /// Continues a buffer; to write into one that is stored elsewhere, see `ByteBuffer.appendJSON`.
    package init(appendingTo buffer: consuming ByteBuffer, afterMember: Bool = false) {
        self.buffer = buffer
        needsComma = afterMember
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    /// A key known when we compile, which must not need escapes.
    package mutating func key(_ name: StaticString) {
        separate()
        buffer.append(UInt8(ascii: "\""))
        buffer.append(name)
        buffer.append("\":" as StaticString)
        needsComma = false
    }

    /// Any other key.
    package mutating func key(_ name: String) {
        string(name)
        buffer.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func string(_ text: String) {
        separate()
        buffer.append(escaping: text)
        needsComma = true
    }

    /// A string whose UTF-8, which must be valid, is at hand.
    package mutating func string(utf8 bytes: ArraySlice<UInt8>) {
        separate()
        buffer.append(escaping: bytes)
        needsComma = true
    }

    package mutating func integer(_ number: Int) {
        separate()
        buffer.append(decimal: number)
        needsComma = true
    }

    /// The shortest digits that read back as the same number; null for infinities and NaN, which JSON cannot say.
    package mutating func double(_ number: Double) {
        guard number.isFinite else { return null() }
        separate()
        buffer.append(number.description)
        needsComma = true
    }

    package mutating func bool(_ flag: Bool) { raw(flag ? .true : .false) }

    package mutating func null() { raw(.null) }

    /// A value as it stands.
    package mutating func raw(_ fragment: JSONFragment) {
        separate()
        buffer.append(fragment)
        needsComma = true
    }

    /// A parsed value exactly as its sender wrote it.
    package mutating func value(_ value: JSONValue) { raw(.slice(value.raw)) }

    /// Hands the bytes over.
    package mutating func take() -> [UInt8] {
        needsComma = false
        return buffer.take()
    }

    private mutating func separate() {
        if needsComma { buffer.append(UInt8(ascii: ",")) }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        buffer.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        buffer.append(bracket)
        needsComma = true
    }
}

extension JSONWriter {
    package mutating func member(_ name: StaticString, _ text: String) {
        key(name)
        string(text)
    }

    package mutating func member(_ name: StaticString, _ number: Int) {
        key(name)
        integer(number)
    }

    package mutating func member(_ name: StaticString, _ flag: Bool) {
        key(name)
        bool(flag)
    }

    package mutating func member(_ name: StaticString, _ fragment: JSONFragment) {
        key(name)
        raw(fragment)
    }
}

extension ByteBuffer {
    /// Appends what `body` writes, in this buffer's own memory. `afterMember` says that the object that `body` goes on
    /// with has members already.
    package mutating func appendJSON<Failure>(
        afterMember: Bool = false,
        _ body: (inout JSONWriter) throws(Failure) -> Void
    ) throws(Failure) {
        var writer = JSONWriter(appendingTo: self, afterMember: afterMember)
        self = ByteBuffer()
        defer { self = writer.buffer }
        try body(&writer)
    }
}
