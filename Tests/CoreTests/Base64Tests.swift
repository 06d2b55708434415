import Core
import TestSupport
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "Known texts in both alphabets",
        arguments: [
            ("", "", ""), ("f", "Zg==", "Zg"), ("fo", "Zm8=", "Zm8"), ("foo", "Zm9v", "Zm9v"),
            ("foobar", "Zm9vYmFy", "Zm9vYmFy"), ("??>", "Pz8+", "Pz8-"), ("???", "Pz8/", "Pz8_"),
        ]
    )
    func known(_ text: String, _ standard: String, _ url: String) {
        #expect(Base64.standard.encode(Array(text.utf8)) == standard)
        #expect(Base64.url.encode(Array(text.utf8)) == url)
        #expect(Base64.standard.decode(standard) == Array(text.utf8))
        #expect(Base64.url.decode(url) == Array(text.utf8))
    }

    @Test("Random bytes come back")
    func roundTrip() {
        var generator = SeededGenerator(seed: 11)
        for count in 0..<70 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Base64.standard.decode(Base64.standard.encode(bytes)) == bytes)
            #expect(Base64.url.decode(Base64.url.encodeBytes(bytes)) == bytes)
        }
    }

    @Test(
        "Whatever has another spelling is refused",
        arguments: ["Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v=", "Zm 9v", "Zm9v\n", "Pz8-", "Zg==Zg==", "A"]
    )
    func refuses(_ text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test("The alphabet of URLs has no padding and no slash", arguments: ["Zg==", "Pz8/", "Pz8+", "Zh", "Z"])
    func refusesInURLs(_ text: String) {
        #expect(Base64.url.decode(text) == nil)
    }
}
