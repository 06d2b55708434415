import OpenAIAPI
import Testing

@testable import Providers

@Suite("ChatGPT's streams")
struct ChatGPTStreamTests {
    private static func old(
        _ id: String,
        _ text: String,
        role: String = "assistant",
        status: String = "in_progress",
        members: String = "",
        metadata: String = ""
    ) -> String {
        #"{"message":{"id":"\#(id)","author":{"role":"\#(role)"},"content":{"content_type":"text","parts":["\#(text)"]},"status":"\#(status)","metadata":{"message_type":"next","model_slug":"gpt-4o"\#(metadata)},"recipient":"all"\#(members)},"conversation_id":"c-1","error":null}"#
    }

    private static func stream(_ events: String..., separator: String = "\n\n") -> String {
        events.map { $0.hasPrefix("event:") ? $0 + separator : "data: " + $0 + separator }.joined()
    }

    private static let plain = stream(
        old(
            "s-1",
            "",
            role: "system",
            status: "finished_successfully",
            metadata: #","is_visually_hidden_from_conversation":true"#
        ),
        old("u-1", "Hi", role: "user", status: "finished_successfully"),
        old("a-1", ""),
        old("a-1", "Hello"),
        old(
            "a-1",
            "Hello!",
            status: "finished_successfully",
            members: #","end_turn":true"#,
            metadata: #","finish_details":{"type":"stop"}"#
        ),
        "[DONE]"
    )

    private static let v1 = """
        event: delta_encoding
        data: "v1"

        data: {"type":"resume_conversation_token","kind":"topic","token":"resume-1","conversation_id":"c-1"}

        event: delta
        data: {"p":"","o":"add","v":{"message":{"id":"a-1","author":{"role":"assistant"},"content":{"content_type":"text","parts":[""]},"status":"in_progress","end_turn":null,"metadata":{"message_type":"next","model_slug":"gpt-5"},"recipient":"all","channel":"final"},"conversation_id":"c-1","error":null},"c":0}

        data: {"type":"input_message","input_message":{"id":"u-1","author":{"role":"user"},"content":{"content_type":"text","parts":["Hi"]}}}

        data: {"type":"message_marker","conversation_id":"c-1","message_id":"a-1","marker":"user_visible_token","event":"first"}

        event: delta
        data: {"p":"/message/content/parts/0","o":"append","v":"Hel"}

        event: delta
        data: {"v":"lo"}

        event: delta
        data: {"p":"","o":"patch","v":[{"p":"/message/content/parts/0","o":"append","v":"!"},{"p":"/message/status","o":"replace","v":"finished_successfully"},{"p":"/message/end_turn","o":"replace","v":true},{"p":"/message/metadata","o":"append","v":{"is_complete":true,"finish_details":{"type":"stop"}}}]}

        data: {"type":"message_stream_complete","conversation_id":"c-1"}

        data: [DONE]


        """

    @Test("The text of whole messages, wherever the stream is cut")
    func plain() throws {
        let (run, isSteady) = ReaderRun.everyCut(Self.plain, course: try ChatGPT.course())
        #expect(isSteady)
        #expect(run.text == "Hello!")
        #expect(run.end == .stop)
        #expect(run.late == 0)
        #expect(run.state == #"{"conversation":"c-1","parent":"a-1"}"#)
    }

    @Test("The text of changes, wherever the stream is cut")
    func deltas() throws {
        let (run, isSteady) = ReaderRun.everyCut(Self.v1, course: try ChatGPT.course(isPresent: true))
        #expect(isSteady)
        #expect(run.text == "Hello!")
        #expect(run.end == .stop)
        #expect(run.late == 0)
    }

    @Test("Line ends may be those of the web")
    func lineEnds() throws {
        let stream = Self.v1.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        let (run, isSteady) = ReaderRun.everyCut(stream, course: try ChatGPT.course(isPresent: true))
        #expect(isSteady)
        #expect(run.text == "Hello!")
    }
}
