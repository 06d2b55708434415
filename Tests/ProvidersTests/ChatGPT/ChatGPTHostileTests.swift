import Core
import OpenAIAPI
import TestSupport
import Testing

@testable import Providers

@Suite("ChatGPT's reader and hostile streams")
struct ChatGPTHostileTests {
    private typealias E = ChatGPTEvents

    /// Streams that are changed at random: whatever comes, there is one end at most, and nothing after it.
    @Test("Whatever comes, the reader survives it and ends once", arguments: 0..<8)
    func mutated(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let course = try ChatGPT.course(isPresent: true)
        let seeds = [
            E.stream([
                E.root("a-1", E.emptyText),
                #"{"p":"/message/content/parts/0","o":"append","v":"He\u00e9[x](sandbox:/a)"}"#,
                #"{"v":"\ud83c\udf8f 【1†s】"}"#, E.finished, "[DONE]",
            ]),
            E.stream([E.whole("a-1", "A\u{E200}cite\u{E202}t\u{E201}"), E.last("a-1", "B"), "[DONE]"]),
            E.stream([
                E.root("t-1", #"{"content_type":"thoughts","thoughts":[{"summary":"S","content":"x"}]}"#),
                #"{"p":"/message/content/thoughts/0/content","o":"append","v":"y"}"#,
                #"{"type":"stream_handoff","options":[{"type":"resume_sse_endpoint"}]}"#, "[DONE]",
            ]),
        ]
        let words = [
            "null", "[]", "{}", "\"\"", "-1", "1e999", "\\ud800", "/message", "patch", "\n\n", "data: ", "\u{E200}",
        ]
        for round in 0..<150 {
            var bytes = Array(seeds[round % seeds.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...40, using: &random)))
                case 2: bytes.insert(contentsOf: (words.randomElement(using: &random) ?? "").utf8, at: place)
                default: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 60)], at: place)
                }
                if bytes.isEmpty { bytes = [UInt8(ascii: "{")] }
            }
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let run = ChatGPTRun(Array(repeating: [bytes[..<cut], bytes[cut...]], count: 20), course)
            #expect(run.late == 0)
            #expect(run.end != nil || run.failure != nil)
        }
    }

    @Test("An event without end is given up")
    func endless() throws {
        let course = try ChatGPT.course()
        let piece = Array(repeating: UInt8(ascii: "x"), count: 1 << 20)[...]
        let run = ChatGPTRun([[Array("data: ".utf8)[...]] + Array(repeating: piece, count: 10)], course)
        #expect(run.failure == .upstreamInvalid)
    }

    @Test("Values that nest deeply are read no deeper than needed")
    func deep() throws {
        let nest = String(repeating: "[", count: 90) + String(repeating: "]", count: 90)
        let stream = E.stream([
            E.root("a-1", E.emptyText), #"{"p":"/message/metadata/x","o":"add","v":\#(nest)}"#,
            #"{"p":"/message/content/parts/0","o":"append","v":"ok"}"#, E.finished, "[DONE]",
        ])
        #expect(ChatGPTRun([[Array(stream.utf8)[...]]], try ChatGPT.course(isPresent: true)).text == "ok")
    }
}
