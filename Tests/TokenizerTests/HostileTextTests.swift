import Testing
import Tokenizer

@Suite struct HostileTextTests {
    @Test("A megabyte of one letter is counted in bounded time", .timeLimit(.minutes(1)))
    func oneLetter() {
        // Eight letters are one token of both encodings' pieces of it; tiktoken says so too.
        #expect(TokenEncoding.o200kBase.count([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)) == 125_000)
    }

    @Test("What is no UTF-8 counts as the character that replaces it", arguments: TokenEncoding.allCases)
    func invalid(_ encoding: TokenEncoding) {
        for bytes: [UInt8] in [
            [0xFF], [0xC3], [0x61, 0xE4, 0xB8], [0xF0, 0x9F, 0x98, 0x20], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
        ] {
            let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
            #expect(encoding.encode(bytes) == encoding.encode(repaired))
            #expect(encoding.decode(encoding.encode(bytes)) == repaired)
        }
    }

    @Test("Any bytes are survived", arguments: TokenEncoding.allCases)
    func anyBytes(_ encoding: TokenEncoding) {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            let bytes = (0..<Int.random(in: 0..<200, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let repaired = Array(String(decoding: bytes, as: UTF8.self).utf8)
            #expect(encoding.decode(encoding.encode(bytes)) == repaired)
        }
    }
}
