import Core
import JSON
import OpenAIAPI
import Testing

@Suite("Chunks written for upstreams of another dialect")
struct ChunkWriterTests {
    private static let head =
        #"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"#

    private func written(
        wantsUsage: Bool = false,
        usesFunctions: Bool = false,
        _ body: (inout ChunkWriter, inout ByteBuffer) -> Void
    ) -> String {
        var writer = ChunkWriter(
            id: "chatcmpl-1",
            model: "m",
            created: 7,
            includesUsage: wantsUsage,
            usesFunctions: usesFunctions
        )
        var output = ByteBuffer()
        body(&writer, &output)
        return String(decoding: output.readable, as: UTF8.self)
    }

    @Test("The first chunk of a choice has its role, the others have not; text stays escaped as it came")
    func text() throws {
        let piece = try JSONDocument(parsing: Array(#"["caf\u00e9 \"é\"\n"]"#.utf8)).root[0]
        let value = try #require(piece)
        let text = written { writer, output in
            writer.text(value, into: &output)
            writer.text(value, into: &output)
            writer.finish(.stop, into: &output)
        }
        let raw = #""caf\u00e9 \"é\"\n""#
        let end = #"},"logprobs":null,"finish_reason":null}]}"# + "\n\n"
        #expect(
            text == Self.head + #""role":"assistant","content":"# + raw + end + Self.head + #""content":"# + raw + end
                + Self.head + #"},"logprobs":null,"finish_reason":"stop"}]}"# + "\n\n"
        )
    }

    @Test("Text that has not been parsed is written as parsed text is")
    func unparsedText() throws {
        let inside = Array(#"caf\u00e9 \"é\"\n"#.utf8)
        let piece = try JSONDocument(parsing: [91, 34] + inside + [34, 93]).root[0]
        let value = try #require(piece)
        let parsed = written { writer, output in
            for _ in 0..<2 { writer.reasoning(value, into: &output) }
            for _ in 0..<2 { writer.text(value, into: &output) }
        }
        let unparsed = written { writer, output in
            unsafe inside.withUnsafeBytes { inside in
                for _ in 0..<2 { unsafe writer.reasoning(inside: inside, into: &output) }
                for _ in 0..<2 { unsafe writer.text(inside: inside, into: &output) }
            }
        }
        #expect(unparsed == parsed)
    }

    @Test("Every chunk is valid JSON, whatever comes first", arguments: [false, true])
    func valid(usesFunctions: Bool) throws {
        let starts: [(inout ChunkWriter, inout ByteBuffer) -> Void] = [
            { $0.text("x", into: &$1) }, { $0.reasoning("x", into: &$1) }, { $0.refusal("x", into: &$1) },
            { $0.toolCall(0, id: "call_1", name: "f", into: &$1) }, { $0.finish(.toolCalls, into: &$1) },
            { $0.delta(into: &$1) { _ in } }, { $0.delta(isContent: false, into: &$1) { $0.member("a", 1) } },
        ]
        for start in starts {
            let text = written(wantsUsage: true, usesFunctions: usesFunctions) { writer, output in
                start(&writer, &output)
                start(&writer, &output)
                writer.toolArguments(0, .string("{}"), into: &output)
                writer.finish(.toolCalls, into: &output) { $0.member("native_finish_reason", "X") }
                writer.usage(TokenUsage(prompt: 3, completion: 2, cached: 1), into: &output)
            }
            let events = text.split(separator: "\n").map { $0.dropFirst(6) }
            #expect(events.count == 5)
            for (place, event) in events.enumerated() {
                let root = try JSONDocument(parsing: Array(event.utf8)).root
                #expect(root["object"]?.string == "chat.completion.chunk")
                #expect((root["choices"]?[0]?["delta"]?["role"] != nil) == (place == 0))
                #expect(root["usage"]?.isObject == (place == 4))
            }
            #expect(
                text.contains(usesFunctions ? #""finish_reason":"function_call""# : #""finish_reason":"tool_calls""#)
            )
        }
    }

    @Test("Usage is written only where it was asked for")
    func usage() {
        #expect(written { $0.usage(TokenUsage(prompt: 1), into: &$1) }.isEmpty)
    }
}
