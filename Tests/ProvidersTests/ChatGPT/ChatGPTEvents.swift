import Core
import OpenAIAPI
import Testing

@testable import Providers

/// Events as the site sends them.
enum ChatGPTEvents {
    /// A whole message of the earlier encoding.
    static func whole(
        _ id: String,
        _ text: String,
        role: String = "assistant",
        status: String = "in_progress",
        members: String = "",
        metadata: String = ""
    ) -> String {
        message(
            id,
            #"{"content_type":"text","parts":["\#(text)"]}"#,
            role: role,
            status: status,
            members: members,
            metadata: metadata
        )
    }

    static func message(
        _ id: String,
        _ content: String,
        role: String = "assistant",
        status: String = "in_progress",
        recipient: String = "all",
        members: String = "",
        metadata: String = ""
    ) -> String {
        #"{"message":{"id":"\#(id)","author":{"role":"\#(role)"},"content":\#(content),"status":"\#(status)","metadata":{"message_type":"next"\#(metadata)},"recipient":"\#(recipient)"\#(members)},"conversation_id":"c-1","error":null}"#
    }

    /// The last event of an answer.
    static func last(_ id: String, _ text: String, finish: String = "stop", metadata: String = "") -> String {
        whole(
            id,
            text,
            status: "finished_successfully",
            members: #","end_turn":true"#,
            metadata: #","finish_details":{"type":"\#(finish)"}"# + metadata
        )
    }

    static func stream(_ events: [String]) -> String { events.map { "data: \($0)\n\n" }.joined() }

    /// A change of the later encoding.
    static func root(_ id: String, _ content: String, members: String = "") -> String {
        #"{"p":"","o":"add","v":{"message":{"id":"\#(id)","author":{"role":"assistant"},"content":\#(content),"status":"in_progress","metadata":{},"recipient":"all"\#(members)},"conversation_id":"c-1","error":null},"c":0}"#
    }

    /// An answer of the later encoding, with all that comes around it.
    static let v1 = """
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

    static let emptyText = #"{"content_type":"text","parts":[""]}"#
    static let finished =
        #"{"p":"","o":"patch","v":[{"p":"/message/status","o":"replace","v":"finished_successfully"},{"p":"/message/end_turn","o":"replace","v":true}]}"#
}

extension ChatGPTRun {
    /// What comes of events, fed whole and byte by byte to the same effect; `more` are the events of further calls.
    static func of(
        _ events: [String],
        more: [[String]] = [],
        isPresent: Bool = false,
        _ variables: [String: String] = [:]
    ) throws -> ChatGPTRun {
        let course = try ChatGPT.course(variables, isPresent: isPresent)
        let bodies = ([events] + more).map { [Array(ChatGPTEvents.stream($0).utf8)[...]] }
        let bytewise = bodies.map { body in body[0].indices.map { body[0][$0...$0] } }
        let run = ChatGPTRun(bodies, course)
        #expect(ChatGPTRun(bytewise, course) == run)
        #expect(run.late == 0)
        return run
    }
}
