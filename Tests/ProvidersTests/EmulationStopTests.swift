import Core
import OpenAIAPI
import Providers
import Synchronization
import TestSupport
import Testing

@Suite("Answers that end where the client wants it")
struct EmulationStopTests {
    private struct Run: Equatable {
        var text = ""
        var end: StopCutter.End?

        init(_ pieces: [String], stops: [String], limit: Int?) {
            var cutter = StopCutter(stops: stops, limit: limit, count: EmulationStopTests.words)
            for piece in pieces { text += cutter.feed(piece) }
            text += cutter.finish()
            end = cutter.end
        }

        static func everyCut(_ text: String, _ stops: [String] = [], limit: Int? = nil) -> Run {
            let whole = Run([text], stops: stops, limit: limit)
            for place in text.indices {
                let cut = Run([String(text[..<place]), String(text[place...])], stops: stops, limit: limit)
                guard cut == whole else {
                    Issue.record("cut before \(text[place...]): \(cut), whole: \(whole)")
                    return whole
                }
            }
            #expect(Run(text.map { String($0) }, stops: stops, limit: limit) == whole)
            return whole
        }
    }

    /// A word with the blank before it is a token, and so is every further four characters of it.
    private static let words: @Sendable (String) -> Int = { text in
        text.split(separator: " ", omittingEmptySubsequences: true).reduce(0) { $0 + ($1.count + 3) / 4 }
    }

    @Test(
        "The first stop sequence ends the text, wherever the pieces end",
        arguments: [
            ("one two three", ["two"], "one ", true), ("one two", ["x", "wo", "two"], "one ", true),
            ("aaab", ["aab"], "a", true), ("ababac", ["abac"], "ab", true), ("one", ["one two"], "one", false),
            ("a\n\nb", ["\n\n", "\n\n\n"], "a", true), ("größer", ["ö", "ß"], "gr", true),
            ("grö", ["ößx"], "grö", false),
            ("x👍🏽y", ["👍🏽"], "x", true), ("abc", [""], "abc", false), ("abc", ["a"], "", true), ("", ["a"], "", false),
            ("User: hi\nUser:", ["\nUser:", "\nAssistant:"], "User: hi", true),
        ]
    )
    func stops(text: String, stops: [String], kept: String, isStopped: Bool) {
        let run = Run.everyCut(text, stops)
        #expect(run.text == kept)
        #expect(run.end == (isStopped ? .stop : nil))
    }

    @Test("Only what may begin a stop sequence is held back, and nothing comes after the end")
    func held() {
        var cutter = StopCutter(stops: ["STOP", "END"], limit: nil, count: { $0.utf8.count })
        #expect(cutter.feed("a S") == "a ")
        #expect(cutter.feed("T") == "")
        #expect(cutter.feed("EN") == "ST")
        #expect(cutter.feed("Dx") == "")
        #expect(cutter.end == .stop)
        #expect(cutter.feed("more") == "" && cutter.finish() == "")
    }

    @Test(
        "More tokens than the limit are cut off, no more and no less",
        arguments: [
            ("one two thre", 3, "one two thre", false), ("one two three", 4, "one two three", false),
            ("one two three", 2, "one two ", true), ("abcdefghij k", 2, "abcdefgh", true), ("a", 1, "a", false),
            ("a b", 1, "a ", true), ("", 1, "", false), ("ß👍🏽éè x", 1, "ß👍🏽éè ", true),
        ]
    )
    func limit(text: String, limit: Int, kept: String, isCut: Bool) {
        let run = Run.everyCut(text, limit: limit)
        #expect(run.text == kept)
        #expect(run.end == (isCut ? .length : nil))
    }

    @Test("A stop sequence behind the limit is not what ended it")
    func both() {
        #expect(Run.everyCut("one two STOP", ["STOP"], limit: 1).end == .length)
        #expect(Run.everyCut("one STOP", ["STOP"], limit: 1).text == "one ")
        #expect(Run.everyCut("one STOP", ["STOP"], limit: 1).end == .stop)
    }

    @Test("Nothing is counted over and over, and nothing at all while there is room for every byte")
    func cheap() {
        let counted = Mutex(0)
        let count: @Sendable (String) -> Int = { text in
            counted.withLock { $0 += text.utf8.count }
            return Self.words(text)
        }
        let piece = "some words "
        var roomy = StopCutter(stops: [], limit: 15_000, count: count)
        for _ in 0..<1000 { _ = roomy.feed(piece) }
        #expect(counted.withLock { $0 } == 0)
        var tight = StopCutter(stops: [], limit: 3000, count: count)
        for _ in 0..<2000 { _ = tight.feed(piece) }
        #expect(tight.end == .length)
        // 1000 pieces are passed on: two words are three tokens.
        #expect(counted.withLock { $0 } < 4 * 1000 * piece.utf8.count)
    }

    @Test("Long texts are counted as the whole would be")
    func long() {
        var random = SeededGenerator(seed: 3)
        let text = (0..<20_000).map { _ in
            String(repeating: "é", count: Int.random(in: 1...12, using: &random))
        }.joined(separator: " ")
        let total = Self.words(text)
        for limit in [1, 100, total - 1, total, total + 1] {
            let whole = Run([text], stops: [], limit: limit)
            #expect(Self.words(whole.text) == min(limit, total))
            #expect(whole.end == (limit < total ? .length : nil))
            var pieces: [String] = []
            var rest = text[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...2000, using: &random))
                pieces.append(String(piece))
                rest = rest[piece.endIndex...]
            }
            #expect(Run(pieces, stops: [], limit: limit) == whole)
        }
    }

    @Test("It agrees with a search through the whole, whatever comes")
    func random() {
        var random = SeededGenerator(seed: 11)
        let letters = ["a", "b", "ab", "é", "👍", " "]
        func word(_ most: Int) -> String {
            (0..<Int.random(in: 1...most, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
                .joined()
        }
        for _ in 0..<2000 {
            let stops = (0..<Int.random(in: 1...3, using: &random)).map { _ in word(3) }
            let pieces = (0..<8).map { _ in word(3) }
            let bytes = Array(pieces.joined().utf8)
            let first = bytes.indices.first { place in stops.contains { bytes[place...].starts(with: $0.utf8) } }
            let run = Run(pieces, stops: stops, limit: nil)
            #expect(Array(run.text.utf8) == Array(bytes[..<(first ?? bytes.count)]))
            #expect(run.end == (first == nil ? nil : .stop))
        }
    }

    @Test("It is made of what the client asked for")
    func asked() throws {
        func cutter(_ members: String) throws -> StopCutter {
            let body = #"{"model":"m","messages":[{"role":"user","content":"x"}],\#(members)}"#
            return try StopCutter(ChatRequest(ModelRequest(.chat, body: Array(body.utf8))), count: Self.words)
        }
        var one = try cutter(#""stop":"b","max_completion_tokens":9"#)
        #expect(one.feed("abc") == "a" && one.end == .stop)
        var other = try cutter(#""stop":["x","c"],"max_tokens":1"#)
        #expect(other.feed("ab cd") == "ab " && other.end == .stop)
        var limited = try cutter(#""stop":["x"],"max_tokens":1"#)
        #expect(limited.feed("ab cd") == "ab " && limited.end == .length)
        let many = (0..<17).map { "\"\($0)\"" }.joined(separator: ",")
        for stop in ["[\(many)]", "\"" + String(repeating: "x", count: 200) + "\""] {
            let error = #expect(throws: GatewayError.self) { try cutter(#""stop":\#(stop)"#) }
            #expect(error?.parameter == "stop")
        }
    }
}
