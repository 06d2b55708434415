import Core
import Crypto
import Testing

@Suite struct TextFormTests {
    @Test(
        "Base64 agrees with RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(text: String, encoded: String) {
        let unpadded = String(encoded.prefix { $0 != "=" })
        #expect(Base64.standard.encode(Array(text.utf8)) == encoded)
        #expect(Base64.standard.decode(encoded) == Array(text.utf8))
        #expect(Base64.url.encode(Array(text.utf8)) == unpadded)
        #expect(Base64.url.decode(unpadded) == Array(text.utf8))
        if encoded != unpadded {
            #expect(Base64.standard.decode(unpadded) == nil)
            #expect(Base64.url.decode(encoded) == nil)
        }
    }

    @Test("Each alphabet refuses the other's last two digits")
    func alphabets() {
        #expect(Base64.standard.encode([0xFB, 0xFF, 0xBF]) == "+/+/")
        #expect(Base64.url.encode([0xFB, 0xFF, 0xBF]) == "-_-_")
        #expect(Base64.standard.decode("-_-_") == nil)
        #expect(Base64.url.decode("+/+/") == nil)
    }

    @Test(
        "A second spelling of the same bytes is refused",
        arguments: [
            "Zh==", "Zm9=", "Zg=", "Zg===", "=", "==", "====", "Z===", "Zg==Zg==", "Zg=a", "Zm 9v", "Zm9v\n", "Zm9vY",
            "Zm9v\u{0}AAA", "Zm9vé",
        ]
    )
    func strictness(text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test("Without padding, leftover digits and bits are refused", arguments: ["A", "Zh", "Zm9", "AAAAA", "Zg=="])
    func strictnessWithoutPadding(text: String) {
        #expect(Base64.url.decode(text) == nil)
    }

    @Test("All bytes survive both alphabets at every length")
    func roundTrips() {
        let all = (0...255).map { UInt8($0) }
        for count in 0...all.count {
            let bytes = Array(all.suffix(count))
            #expect(Base64.standard.decode(Base64.standard.encode(bytes)) == bytes)
            #expect(Base64.url.decode(Base64.url.encode(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
    }

    @Test("Hexadecimal digits are written small and read in either case")
    func hex() {
        #expect(Hex.encode([0x00, 0x9A, 0xFF]) == "009aff")
        #expect(Hex.decode("009AfF") == [0x00, 0x9A, 0xFF])
        for text in ["0", "0g", "g0", "0x", " 0", "00 ", "é"] { #expect(Hex.decode(text) == nil) }
    }
}
