import Crypto
import Testing

@Suite("SHA3-512")
struct SHA3Tests {
    private func digest(_ first: String, _ second: String = "") throws -> String {
        let hasher = try SHA3Hasher()
        var digest: [UInt8] = []
        try hasher.hash(Array(first.utf8), Array(second.utf8), into: &digest)
        return Hex.encode(digest)
    }

    @Test(
        "Of nothing and of a few letters",
        arguments: [
            ("", "a69f73cca23a9ac5c8b567dc185a756e"), ("abc", "b751850b1a57168a5693cd924b6b096e"),
        ]
    )
    func published(text: String, start: String) throws {
        let digest = try digest(text)
        #expect(digest.hasPrefix(start))
        #expect(digest.count == 128)
    }

    @Test("Two texts are hashed as one")
    func joined() throws {
        #expect(try digest("ab", "c") == digest("abc"))
        #expect(try digest("", "abc") == digest("abc"))
    }

    @Test("A hasher is as good as new after each message")
    func reused() throws {
        let hasher = try SHA3Hasher()
        var digest: [UInt8] = []
        for text in ["abc", "", String(repeating: "x", count: 200), "abc"] {
            try hasher.hash(Array(text.utf8), [], into: &digest)
        }
        #expect(Hex.encode(digest).hasPrefix("b751850b1a57168a"))
    }
}
