import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Whole answers of upstreams that give mere text")
struct EmulatedAnswerTests {
    private struct Run: Equatable {
        var items: [String] = []
        var reason: FinishReason
        var hasEnded: Bool

        init(_ pieces: [String], _ members: String) throws {
            let body = #"{"model":"m","messages":[{"role":"user","content":"x"}]\#(members)}"#
            var answer = try EmulatedAnswer(ChatRequest(ModelRequest(.chat, body: Array(body.utf8)))) { text in
                text.split(separator: " ").count
            }
            var found: [EmulatedAnswer.Piece] = []
            for piece in pieces where !answer.hasEnded { answer.feed(piece, into: &found) }
            reason = answer.finish(into: &found)
            hasEnded = answer.hasEnded
            for piece in found {
                switch piece {
                case .text(let text):
                    if let last = items.last, last.utf8.first == UInt8(ascii: "|") {
                        items[items.count - 1] += text
                    } else {
                        items.append("|" + text)
                    }
                case .callBegan(let index, let name): items.append("\(index)\(name)")
                case .arguments(_, let text): items[items.count - 1] += text
                case .callEnded: items[items.count - 1] += "."
                }
            }
        }

        static func everyCut(_ text: String, _ members: String) throws -> Run {
            let whole = try Run([text], members)
            for place in text.indices {
                let cut = try Run([String(text[..<place]), String(text[place...])], members)
                guard cut == whole else {
                    Issue.record("cut before \(text[place...]): \(cut), whole: \(whole)")
                    return whole
                }
            }
            #expect(try Run(text.map { String($0) }, members) == whole)
            return whole
        }
    }

    private static let tools = #","tools":[{"type":"function","function":{"name":"f"}}]"#
    private static let call =
        #"<tool_calls><tool_call><tool_name>f</tool_name><parameters>{"a":1}</parameters></tool_call></tool_calls>"#

    @Test("Text, calls and text, in their order, and the reason is the calls")
    func order() throws {
        let run = try Run.everyCut("one ST" + Self.call + " two", Self.tools + #","stop":"STOP""#)
        #expect(run.items == ["|one ST", #"0f{"a":1}."#, "| two"])
        #expect(run.reason == .toolCalls && !run.hasEnded)
    }

    @Test("Results that a model invents after its call are left out; before any call such words are text")
    func invented() throws {
        let words = "<tool_result id=\"1\">42</tool_result>"
        let run = try Run.everyCut(Self.call + "\n" + words + "\nSo it is 42." + Self.call, Self.tools)
        #expect(run.items == [#"0f{"a":1}."#, "|\n"])
        #expect(run.reason == .toolCalls && run.hasEnded)
        let held = try Run.everyCut(Self.call + "ST" + words, Self.tools + #","stop":"STOP""#)
        #expect(held.items == [#"0f{"a":1}."#, "|ST"])
        #expect(try Run.everyCut("see " + words, Self.tools).items == ["|see " + words])
    }

    @Test("Nothing comes after a stop sequence or beyond the limit")
    func ended() throws {
        let stopped = try Run.everyCut("one STOP" + Self.call, Self.tools + #","stop":["STOP"]"#)
        #expect(stopped.items == ["|one "] && stopped.reason == .stop && stopped.hasEnded)
        let cut = try Run.everyCut("one two three " + Self.call, Self.tools + #","max_tokens":2"#)
        #expect(cut.items == ["|one two "] && cut.reason == .length && cut.hasEnded)
    }

    @Test("Without tools their words are text, and so they are where none shall be called")
    func untooled() throws {
        for members in ["", Self.tools + #","tool_choice":"none""#] {
            let run = try Run.everyCut(Self.call, members)
            #expect(run.items == ["|" + Self.call] && run.reason == .stop)
        }
    }

    @Test("The model is told of the tools and of the form")
    func instructions() throws {
        func answer(_ members: String) throws -> EmulatedAnswer {
            let body = #"{"model":"m","messages":[{"role":"user","content":"x"}]\#(members)}"#
            return try EmulatedAnswer(ChatRequest(ModelRequest(.chat, body: Array(body.utf8)))) { _ in 1 }
        }
        #expect(try answer("").instructions == nil)
        let both = try #require(try answer(Self.tools + #","response_format":{"type":"json_object"}"#).instructions)
        #expect(both.hasPrefix("# Tools\n") && both.contains("\n\nAnswer with one JSON object"))
    }
}
