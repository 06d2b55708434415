import Core
import Crypto
import FoundationEssentials
import Testing
import Tokenizer

@Suite struct VocabularyTests {
    @Test(
        "A vocabulary is the published one",
        arguments: [
            (TokenEncoding.cl100kBase, "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
            (TokenEncoding.o200kBase, "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
        ]
    )
    func canonical(_ encoding: TokenEncoding, _ digest: String) throws {
        var text: [UInt8] = []
        for token in 0..<encoding.tokenCount {
            let bytes = try #require(encoding.decode([token]))
            text.append(contentsOf: Data(bytes).base64EncodedString().utf8)
            text.append(contentsOf: " \(token)\n".utf8)
        }
        #expect(SHA256Digest(of: text).hex == digest)
    }

    @Test("What is no token has no text", arguments: TokenEncoding.allCases)
    func unknown(_ encoding: TokenEncoding) {
        #expect(encoding.decode([-1]) == nil)
        #expect(encoding.decode([encoding.tokenCount]) == nil)
        #expect(encoding.decode([.max]) == nil)
        #expect(encoding.decode([]) == [])
    }

    @Test(
        "A model's name tells its encoding",
        arguments: [
            ("gpt-4", TokenEncoding.cl100kBase), ("gpt-4-turbo", .cl100kBase), ("openai/gpt-3.5-turbo", .cl100kBase),
            ("ft:gpt-3.5-turbo:acme", .cl100kBase), ("text-embedding-3-small", .cl100kBase),
            ("gpt-4o-mini", .o200kBase),
            ("gpt-4.1", .o200kBase), ("o3", .o200kBase), ("claude-sonnet", .o200kBase), ("", .o200kBase),
            ("/", .o200kBase),
        ]
    )
    func models(_ name: String, _ encoding: TokenEncoding) {
        #expect(TokenEncoding(forModel: name) == encoding)
    }
}
