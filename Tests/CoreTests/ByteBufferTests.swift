import Core
import TestSupport
import Testing

@Suite("Byte buffer")
struct ByteBufferTests {
    @Test("Every way to append adds to the end")
    func appends() {
        var buffer = ByteBuffer("a")
        buffer.append(UInt8(ascii: "b"))
        buffer.append([UInt8(ascii: "c"), UInt8(ascii: "d")])
        buffer.append("é" as String)
        buffer.append("!" as StaticString)
        unsafe [UInt8(ascii: "?")].withUnsafeBytes { unsafe buffer.append($0) }
        #expect(buffer.readable.text == "abcdé!?")
        #expect(buffer.count == 8)
        #expect(!buffer.isEmpty)
        #expect(buffer[1] == UInt8(ascii: "b"))
    }

    @Test("Consuming moves the front and nothing else")
    func consumes() {
        var buffer = ByteBuffer("hello world")
        buffer.consume(6)
        #expect(buffer.readable.text == "world")
        #expect(buffer[0] == UInt8(ascii: "w"))
        buffer.append("!" as StaticString)
        buffer.consume(0)
        #expect(buffer.readable.text == "world!")
        buffer.consume(6)
        #expect(buffer.isEmpty)
        #expect(buffer.count == 0)
    }

    @Test("A long stream through a buffer keeps order and does not grow it")
    func compacts() {
        var buffer = ByteBuffer()
        var generator = SeededGenerator(seed: 3)
        var (written, read) = (0, 0)
        var highest = 0
        while read < 400_000 {
            for _ in 0..<Int.random(in: 0...900, using: &generator) {
                buffer.append(UInt8(truncatingIfNeeded: written))
                written += 1
            }
            let taken = min(buffer.count, Int.random(in: 0...1000, using: &generator))
            for offset in 0..<taken where buffer[offset] != UInt8(truncatingIfNeeded: read + offset) {
                Issue.record("byte \(read + offset) is out of order")
                return
            }
            buffer.consume(taken)
            read += taken
            highest = max(highest, buffer.capacity)
        }
        #expect(written - read == buffer.count)
        #expect(highest < 100_000, "what was consumed must not be kept")
    }

    @Test("Taking hands over what is readable and leaves nothing, not even memory")
    func takes() {
        var buffer = ByteBuffer("0123456789")
        buffer.consume(4)
        #expect(buffer.take() == Array("456789".utf8))
        #expect(buffer.isEmpty)
        #expect(buffer.capacity == 0)
        buffer.append("x" as StaticString)
        #expect(buffer.take() == [UInt8(ascii: "x")])
    }

    @Test("Removing everything keeps the memory unless told otherwise")
    func removes() {
        var buffer = ByteBuffer([UInt8](repeating: 1, count: 10_000))
        buffer.consume(10)
        buffer.removeAll()
        #expect(buffer.isEmpty)
        #expect(buffer.capacity >= 10_000)
        buffer.removeAll(keepingCapacity: false)
        #expect(buffer.capacity == 0)
    }

    @Test("Copies share bytes until one side writes")
    func copies() {
        var first = ByteBuffer("abc")
        let second = first
        first.append("d" as StaticString)
        first.consume(1)
        #expect(first.readable.text == "bcd")
        #expect(second.readable.text == "abc")
    }

    @Test("The raw view starts at the front")
    func rawView() {
        var buffer = ByteBuffer("xyz")
        buffer.consume(1)
        let seen = unsafe buffer.withReadableBytes { unsafe Array($0) }
        #expect(seen == Array("yz".utf8))
    }

    @Test(
        "Decimal digits are those of the number",
        arguments: [0, 7, -7, 10, 99, 100, -100, 1_000_000, 9_999_999_999, Int.max, Int.min]
    )
    func decimal(_ number: Int) {
        var buffer = ByteBuffer()
        buffer.append(decimal: number)
        #expect(buffer.readable.text == String(number))
    }

    @Test("Hexadecimal digits are those of the number", arguments: [0, 1, 9, 10, 15, 16, 255, 256, 65_536, Int.max])
    func hexadecimal(_ number: Int) {
        var buffer = ByteBuffer()
        buffer.append(hexadecimal: number)
        #expect(buffer.readable.text == String(number, radix: 16))
    }

    @Test("Hexadecimal digits of a negative number are those of its bits")
    func hexadecimalBits() {
        var buffer = ByteBuffer()
        buffer.append(hexadecimal: .min)
        buffer.append(hexadecimal: -1)
        #expect(buffer.readable.text == "8000000000000000ffffffffffffffff")
    }

    @Test("Comparisons look at all bytes, and at letters only without their case")
    func comparisons() {
        let bytes = Array("Content-Type".utf8)
        #expect(bytes.equalsIgnoringCase("content-type"))
        #expect(!bytes.equalsIgnoringCase("content-typ"))
        #expect(!bytes.equalsIgnoringCase("content_type"))
        #expect(bytes.equals("Content-Type"))
        #expect(!bytes.equals("content-type"))
        // The at sign and the grave accent differ by the bit that letters differ by.
        #expect(![UInt8(ascii: "@")].equalsIgnoringCase("`"))
        #expect([UInt8(ascii: "["), 0xC3].text.hasSuffix("\u{FFFD}"))
    }
}
