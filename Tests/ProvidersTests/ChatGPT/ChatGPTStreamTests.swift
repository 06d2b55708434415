import Core
import OpenAIAPI
import Testing

@testable import Providers

@Suite("ChatGPT's streams")
struct ChatGPTStreamTests {
    private typealias E = ChatGPTEvents

    @Test("The text of whole messages, wherever the stream is cut")
    func plain() throws {
        let stream = E.stream([
            E.whole(
                "s-1",
                "",
                role: "system",
                status: "finished_successfully",
                metadata: #","is_visually_hidden_from_conversation":true"#
            ),
            E.whole("u-1", "Hi", role: "user", status: "finished_successfully"),
            E.whole("a-1", ""), E.whole("a-1", "Hello"), E.last("a-1", "Hello!"), "[DONE]",
        ])
        let (run, isSteady) = ChatGPTRun.everyCut(stream, course: try ChatGPT.course())
        #expect(isSteady)
        #expect(run.text == "Hello!")
        #expect(run.end == .stop)
        #expect(run.late == 0)
        #expect(run.state == #"{"conversation":"c-1","parent":"a-1"}"#)
    }

    @Test("The text of changes, wherever the stream is cut")
    func deltas() throws {
        let (run, isSteady) = ChatGPTRun.everyCut(E.v1, course: try ChatGPT.course(isPresent: true))
        #expect(isSteady)
        #expect(run.text == "Hello!")
        #expect(run.end == .stop)
        #expect(run.late == 0)
        // In either encoding, whatever was asked for.
        #expect(ChatGPTRun([[Array(E.v1.utf8)[...]]], try ChatGPT.course()).text == "Hello!")
    }

    @Test("Line ends may be those of the web")
    func lineEnds() throws {
        let stream = E.v1.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        let (run, isSteady) = ChatGPTRun.everyCut(stream, course: try ChatGPT.course(isPresent: true))
        #expect(isSteady)
        #expect(run.text == "Hello!")
    }

    @Test("A temporary chat leaves nothing to go on from")
    func temporary() throws {
        let run = try ChatGPTRun.of([E.last("a-1", "Hi"), "[DONE]"], ["HISTORY_DISABLED": "true"])
        #expect(run.text == "Hi")
        #expect(run.state == nil)
    }

    @Test("An answer that is whole at once is an answer")
    func atOnce() throws {
        #expect(try ChatGPTRun.of([E.last("a-1", "Hi"), "[DONE]"]).text == "Hi")
        // Without the site's last word, too.
        let run = try ChatGPTRun.of([E.last("a-1", "Hi")])
        #expect(run.text == "Hi")
        #expect(run.end == .stop)
    }

    @Test("Several values on one line, dates between the lines and strange events are passed over")
    func noise() throws {
        let run = try ChatGPTRun.of([
            "2026-06-07T18:34:14.1", "", #"{"type":"something_new","v":"no text"}"#, #""no text either""#, "[1,2]",
            E.root("a-1", E.emptyText) + #"{"p":"/message/content/parts/0","o":"append","v":"He"} {"v":"y"}"#,
            E.finished, "{broken", "[DONE]",
        ])
        #expect(run.text == "Hey")
        #expect(run.end == .stop)
    }

    @Test("Messages that were sent are not taken for the answer when they are repeated")
    func echo() throws {
        var course = try ChatGPT.course()
        course.sent = ["mine-1"]
        let stream = E.stream([E.last("mine-1", "What I was told I said"), E.last("a-1", "New"), "[DONE]"])
        #expect(ChatGPTRun([[Array(stream.utf8)[...]]], course).text == "New")
    }

    @Test("Characters that are cut in two are put together")
    func halves() throws {
        let whole = try ChatGPTRun.of([E.whole("a-1", #"a\ud83c"#), E.last("a-1", #"a\ud83c\udf8f!"#), "[DONE]"])
        #expect(whole.text == "a🎏!")
        let deltas = try ChatGPTRun.of(
            [
                E.root("a-1", E.emptyText), #"{"p":"/message/content/parts/0","o":"append","v":"a\ud83c"}"#,
                #"{"v":"\udf8fb\\ud83c\ud83c"}"#, #"{"v":"\udf8f"}"#, #"{"v":"\ud83c"}"#, E.finished, "[DONE]",
            ],
            isPresent: true
        )
        #expect(deltas.text == "a🎏b\\ud83c🎏")
    }

    // MARK: Thoughts

    @Test("Thoughts of the earlier kind are a tool's text")
    func oldThoughts() throws {
        let initial = #","initial_text":"Reasoning""#
        let run = try ChatGPTRun.of([
            E.whole("t-1", "I add", role: "tool", metadata: initial),
            E.whole("t-1", "I add.", role: "tool", status: "finished_successfully", metadata: initial),
            E.whole("t-2", "something of a tool's own", role: "tool", status: "finished_successfully"),
            E.last("a-1", "4"), "[DONE]",
        ])
        #expect(run.reasoning == "I add.")
        #expect(run.text == "4")
    }

    @Test("Thoughts of the later kind have headings, and end with a recap that is not shown")
    func thoughts() throws {
        let add =
            #"{"p":"/message/content/thoughts","o":"append","v":[{"summary":"Checking","content":"","finished":false}]}"#
        let run = try ChatGPTRun.of(
            [
                E.root("t-1", #"{"content_type":"thoughts","thoughts":[]}"#), add,
                #"{"p":"/message/content/thoughts/0/content","o":"append","v":"I add 2 and 2"}"#,
                #"{"v":" and get 4."}"#,
                #"{"p":"","o":"patch","v":[{"p":"/message/content/thoughts/0/finished","o":"replace","v":true}]}"#,
                #"{"p":"/message/content/thoughts","o":"append","v":[{"summary":"Done","content":"","finished":true}]}"#,
                #"{"p":"/message/status","o":"replace","v":"finished_successfully"}"#,
                E.root("r-1", #"{"content_type":"reasoning_recap","content":"Thought for 4s"}"#),
                E.root("a-1", E.emptyText, members: #","channel":"final""#),
                #"{"p":"/message/content/parts/0","o":"append","v":"4"}"#, E.finished,
                #"{"type":"message_stream_complete","conversation_id":"c-1"}"#,
            ],
            isPresent: true
        )
        #expect(run.reasoning == "**Checking**\n\nI add 2 and 2 and get 4.\n\n**Done**")
        #expect(run.text == "4")
        #expect(run.end == .stop)
    }

    @Test("What is said in other channels than the last is thought")
    func channels() throws {
        let run = try ChatGPTRun.of([
            E.whole("t-1", "Hm.", status: "finished_successfully", members: #","channel":"analysis","end_turn":false"#),
            E.whole("t-2", "Let me see.", status: "finished_successfully", members: #","channel":"commentary""#),
            E.last("a-1", "4"), "[DONE]",
        ])
        #expect(run.reasoning == "Hm.\n\nLet me see.")
        #expect(run.text == "4")
    }

    // MARK: Tools

    private static let program = #"{"content_type":"code","language":"python","text":"print(4)"}"#
    private static let output =
        #","aggregate_result":{"status":"success","messages":[{"message_type":"stream","text":"4\n"},{"message_type":"image","image_url":"file-service://file-abc","width":6,"height":4}]}"#

    @Test("Programs and what they print stand in blocks of their own; their pictures and files are files")
    func code() throws {
        let events = [
            E.message("p-1", Self.program, recipient: "python"),
            E.message("p-1", Self.program, status: "finished_successfully", recipient: "python"),
            E.message(
                "o-1",
                #"{"content_type":"execution_output","text":"4\n"}"#,
                role: "tool",
                status: "finished_successfully",
                metadata: Self.output
            ),
            E.whole("a-1", "It is 4. See [result.csv](sandb"),
            E.last("a-1", "It is 4. See [result.csv](sandbox:/mnt/data/result.csv) and [1]."), "[DONE]",
        ]
        let run = try ChatGPTRun.of(events)
        #expect(
            run.text
                == "```python\nprint(4)\n```\n\n```Output\n4\n\n```{image}\n\nIt is 4. See result.csv and [1].{result.csv}"
        )
        #expect(
            run.files.map(\.url) == [
                "http://site/backend-api/files/file-abc/download",
                "http://site/backend-api/conversation/c-1/interpreter/download?message_id=a-1&sandbox_path=%2Fmnt%2Fdata%2Fresult.csv",
            ]
        )
        #expect(run.files.map(\.fileExtension) == ["png", "csv"])
        #expect(run.files.map(\.isImage) == [true, false])
        let silent = try ChatGPTRun.of(events, ["TOOL_TRACE": "drop"])
        #expect(silent.text == "{image}\n\nIt is 4. See result.csv and [1].{result.csv}")
        // Where nothing is kept, the file cannot be had, and the text stays as it is.
        let temporary = try ChatGPTRun.of(events, ["HISTORY_DISABLED": "true"])
        #expect(temporary.text.contains("[result.csv](sandbox:/mnt/data/result.csv)"))
    }

    @Test("What tools are asked, and what they find, is not shown")
    func lookUps() throws {
        let run = try ChatGPTRun.of([
            E.message("w-1", #"{"content_type":"code","language":"unknown","text":"search(1)"}"#, recipient: "web.run"),
            E.message("w-2", #"{"content_type":"tether_quote","url":"https://e.org","text":"x"}"#, role: "tool"),
            E.message("w-3", #"{"content_type":"model_editable_context","model_set_context":"x"}"#),
            E.message("w-4", #"{"content_type":"text","parts":["a cat"]}"#, recipient: "dalle.text2im"),
            E.last("a-1", "Found."), "[DONE]",
        ])
        #expect(run.text == "Found.")
        #expect(run.reasoning.isEmpty)
    }

    @Test("A word before the tools and the answer after them stand apart")
    func preamble() throws {
        let run = try ChatGPTRun.of([
            E.whole("a-1", "One moment.", status: "finished_successfully", members: #","end_turn":false"#),
            E.last("a-2", "Done."), "[DONE]",
        ])
        #expect(run.text == "One moment.\n\nDone.")
    }

    // MARK: Pictures

    private static func picture(_ pointer: String, height: Int? = nil) -> String {
        let made = height.map { #","metadata":{"generation":{"height":\#($0)}}"# } ?? ""
        return
            #"{"content_type":"multimodal_text","parts":[{"content_type":"image_asset_pointer","asset_pointer":"\#(pointer)","width":1024,"height":1024\#(made)}]}"#
    }

    @Test("A picture is shown once it is whole, and once only")
    func pictures() throws {
        let run = try ChatGPTRun.of([
            E.message("u-1", Self.picture("file-service://file-mine"), role: "user", status: "finished_successfully"),
            E.message("i-1", Self.picture("sediment://file_1", height: 256), role: "tool"),
            E.message("i-1", Self.picture("sediment://file_1", height: 1024), role: "tool"),
            E.message(
                "i-1",
                Self.picture("sediment://file_1", height: 1024),
                role: "tool",
                status: "finished_successfully"
            ),
            E.message("i-2", Self.picture("file-service://file-2"), role: "tool"),
            E.message("i-2", Self.picture("file-service://file-2"), role: "tool", status: "finished_successfully"),
            E.message("i-3", Self.picture("https://elsewhere/x"), role: "tool", status: "finished_successfully"),
            "[DONE]",
        ])
        #expect(
            run.files.map(\.url) == [
                "http://site/backend-api/conversation/c-1/attachment/file_1/download",
                "http://site/backend-api/files/file-2/download",
            ]
        )
        // Nothing needs to be said beside it.
        #expect(run.end == .stop)
    }

    @Test("A picture that is made later is looked for in the conversation")
    func latePicture() throws {
        let task = #","image_gen_task_id":"t","image_gen_async":true,"async_task_type":"image_gen""#
        let waiting = E.whole("w-1", "Processing", role: "tool", status: "finished_successfully", metadata: task)
        let node = E.message(
            "i-1",
            Self.picture("sediment://file_1"),
            role: "tool",
            status: "finished_successfully",
            metadata: task
        )
        let tree = #"{"mapping":{"n1":{"message":null},"n2":\#(node)},"current_node":"n2"}"#
        let course = try ChatGPT.course(isPresent: true)
        let stream = E.stream([waiting, #"{"type":"message_stream_complete","conversation_id":"c-1"}"#, "[DONE]"])
        let (run, isSteady) = ChatGPTRun.everyCut(
            stream,
            #"{"mapping":{}}"#,
            "not even JSON",
            tree,
            course: course,
            isThorough: false
        )
        #expect(isSteady)
        #expect(run.further == Array(repeating: "GET http://site/backend-api/conversation/c-1", count: 3))
        #expect(run.files.map(\.url) == ["http://site/backend-api/conversation/c-1/attachment/file_1/download"])
        #expect(run.end == .stop)
        // Where nothing is kept there is nothing to look for.
        let temporary = try ChatGPTRun.of([waiting, "[DONE]"], ["HISTORY_DISABLED": "true"])
        #expect(temporary.failure == .upstreamInvalid)
    }
}
