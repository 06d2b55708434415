import FoundationEssentials
import Testing
import Tokenizer

/// What `tiktoken` made of some hundred texts (`scripts/make-token-cases`).
@Suite struct ReferenceTests {
    private struct Case {
        let encoding: TokenEncoding
        let text: [UInt8]
        let tokens: [Int]
    }

    private func cases() throws -> [Case] {
        let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let lines = try String(contentsOf: URL(filePath: "\(folder)/Fixtures/cases.txt"), encoding: .utf8)
        return try lines.split(separator: "\n").map { line in
            let fields = line.split(separator: " ", omittingEmptySubsequences: false)
            let digits = Array(fields[1])
            return Case(
                encoding: try #require(TokenEncoding(rawValue: String(fields[0]))),
                text: try stride(from: 0, to: digits.count, by: 2).map {
                    try #require(UInt8(String(digits[$0...$0 + 1]), radix: 16))
                },
                tokens: try fields[2].split(separator: ",").map { try #require(Int($0)) }
            )
        }
    }

    @Test("Texts become the tokens that tiktoken makes of them, and tokens the text again")
    func reference() throws {
        let cases = try cases()
        #expect(cases.count > 1000)
        for one in cases {
            let tokens = one.encoding.encode(one.text)
            #expect(tokens == one.tokens, "\(one.encoding.rawValue) \(String(decoding: one.text, as: UTF8.self))")
            #expect(one.encoding.count(one.text) == one.tokens.count)
            #expect(one.encoding.decode(tokens) == one.text)
        }
    }
}
