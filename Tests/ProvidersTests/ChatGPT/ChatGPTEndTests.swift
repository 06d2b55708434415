import Core
import HTTPCodec
import OpenAIAPI
import Testing

@testable import Providers

@Suite("How ChatGPT's streams end")
struct ChatGPTEndTests {
    private typealias E = ChatGPTEvents

    @Test("What the site will not say is filtered content")
    func moderation() throws {
        let run = try ChatGPTRun.of([
            E.whole("a-1", "Well"),
            #"{"type":"moderation","conversation_id":"c-1","message_id":"a-1","moderation_response":{"flagged":true,"blocked":true}}"#,
            E.last("a-1", "Well"), "[DONE]",
        ])
        #expect(run.end == .contentFilter)
    }

    @Test(
        "An error in an answer that claims success is one",
        arguments: [
            #"data: {"message":null,"conversation_id":"c-1","error":"Our systems have detected unusual activity."}"#
                + "\n\ndata: [DONE]\n\n",
            #"{"detail":"Our systems have detected unusual activity coming from your system."}"#,
            "event: delta\ndata: "
                + #"{"p":"","o":"add","v":{"message":null,"conversation_id":"c-1","error":"unusual activity"}}"#
                + "\n\n",
            #"data: {"type":"error","error":{"message":"unusual activity"}}"# + "\n\n",
        ]
    )
    func refusals(stream: String) throws {
        let (run, isSteady) = ChatGPTRun.everyCut(stream, course: try ChatGPT.course(isPresent: true))
        #expect(isSteady)
        #expect(run.failure == .upstreamCheckRequired)
        #expect(run.failureClass == .rateLimited)
        #expect(run.text.isEmpty)
    }

    @Test("A limit in an answer that claims success rests the model")
    func limit() throws {
        let run = try ChatGPTRun.of([
            #"{"message":null,"error":{"code":"model_cap_exceeded","message":"Too many messages"}}"#
        ])
        #expect(run.failure == .rateLimitExceeded)
        #expect(run.failureClass == .rateLimited)
    }

    @Test("Nothing said is an error, so that another account may be asked")
    func nothing() throws {
        for events in [["[DONE]"], [], [E.whole("u-1", "Hi", role: "user")], [E.last("a-1", ""), "[DONE]"]] {
            let run = try ChatGPTRun.of(events)
            #expect(run.failure == .upstreamInvalid)
        }
    }

    @Test("An answer that stops in the middle is no answer")
    func cut() throws {
        let run = try ChatGPTRun.of([E.whole("a-1", "Hel")])
        #expect(run.text == "Hel")
        #expect(run.failure == .upstreamCut)
    }

    @Test("A stream that ends without its last word is taken up where it broke off")
    func resume() throws {
        let course = try ChatGPT.course(isPresent: true)
        let events = E.v1.split(separator: "\n\n", omittingEmptySubsequences: true).map { $0 + "\n\n" }
        let first = events.prefix(6).joined() + ": ping\n\ndata:\n\n"
        let second = events.dropFirst(6).joined()
        let (run, isSteady) = ChatGPTRun.everyCut(first, second, course: course)
        #expect(isSteady)
        #expect(run.text == "Hello!")
        #expect(run.end == .stop)
        #expect(run.further == ["POST http://site/backend-api/f/conversation/resume"])
        // Comments and empty events do not count.
        #expect(run.furtherBodies == [#"{"conversation_id":"c-1","offset":6}"#])
    }

    @Test("An answer that is handed over is fetched from where it went")
    func handOff() throws {
        let hand =
            #"{"type":"stream_handoff","conversation_id":"c-1","options":[{"type":"subscribe_ws_topic","topic_id":"t"},{"type":"resume_sse_endpoint","topic_id":"t"}]}"#
        let run = try ChatGPTRun.of([hand, "[DONE]"], more: [[E.last("a-1", "Hi"), "[DONE]"]], isPresent: true)
        #expect(run.text == "Hi")
        #expect(run.furtherBodies == [#"{"conversation_id":"c-1","offset":1}"#])
    }

    @Test("Taking up has an end")
    func resumeForever() throws {
        let course = try ChatGPT.course(isPresent: true)
        let part = Array(E.stream([E.root("a-1", E.emptyText)]).utf8)[...]
        let run = ChatGPTRun(Array(repeating: [part], count: 40), course)
        #expect(run.further.count == 12)
        #expect(run.failure == .upstreamInvalid)
    }

    @Test("An answer that is too long goes on, as often as the operator allows")
    func goOn() throws {
        let long = [E.last("a-1", "One, ", finish: "max_tokens"), "[DONE]"]
        let rest = [E.last("a-2", "two.", finish: "stop"), "[DONE]"]
        let run = try ChatGPTRun.of(long, more: [rest])
        #expect(run.text == "One, two.")
        #expect(run.end == .stop)
        #expect(run.further == ["POST http://site/backend-api/conversation"])
        #expect(run.furtherBodies[0].contains(#""action":"continue""#))
        #expect(run.furtherBodies[0].contains(#""parent_message_id":"a-1""#))
        #expect(run.state == #"{"conversation":"c-1","parent":"a-2"}"#)
        let limited = try ChatGPTRun.of(long, more: [long], ["MAX_CONTINUE_COUNT": "1"])
        #expect(limited.end == .length)
        #expect(limited.further.count == 1)
        let temporary = try ChatGPTRun.of(long, ["HISTORY_DISABLED": "true"])
        #expect(temporary.end == .length)
    }

    @Test("An answer can be mended in the same conversation, where that is kept")
    func followUp() throws {
        var reader = ChatGPTReader(try ChatGPT.course())
        var pieces = AnswerPieces()
        let first = Array(ChatGPTEvents.stream([ChatGPTEvents.last("a-1", "No JSON"), "[DONE]"]).utf8)
        unsafe first.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
        let asked = reader.followUp("Once more, please.")
        let request = try #require(asked)
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(body.contains(#""conversation_id":"c-1","parent_message_id":"a-1""#))
        #expect(body.contains("Once more, please."))
        let id = try #require(body.firstRange(of: #""messages":[{"id":""#)).upperBound
        let mine = String(body[id...].prefix(36))
        pieces.reset()
        // The site repeats what it was told, and then answers.
        let second = Array(
            ChatGPTEvents.stream([
                ChatGPTEvents.last(mine, "Once more, please."), ChatGPTEvents.last("a-2", "{}"), "[DONE]",
            ]).utf8
        )
        unsafe second.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
        reader.finish(into: &pieces)
        var said = ""
        for case .text(let text) in pieces.pieces { said += text }
        #expect(said == "{}")
        #expect(pieces.state == Array(#"{"conversation":"c-1","parent":"a-2"}"#.utf8))

        var temporary = ChatGPTReader(try ChatGPT.course(["HISTORY_DISABLED": "true"]))
        unsafe first.withUnsafeBytes { unsafe temporary.receive($0, into: &pieces) }
        #expect(temporary.followUp("Once more, please.")?.url == nil)
    }

    @Test("A connection that breaks is taken up, unless the site has refused")
    func broken() throws {
        let cut = GatewayError(.upstreamCut, "x", source: .upstream)
        let refused = GatewayError(.upstreamBlocked, "x", source: .upstream)
        let part = Array(ChatGPTEvents.stream([ChatGPTEvents.root("a-1", ChatGPTEvents.emptyText)]).utf8)
        for (isPresent, error, isTaken) in [(true, cut, true), (true, refused, false), (false, cut, false)] {
            var reader = ChatGPTReader(try ChatGPT.course(isPresent: isPresent))
            var pieces = AnswerPieces()
            #expect(reader.takeUp(after: error, into: &pieces) == false, "nothing has begun")
            unsafe part.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
            #expect(reader.takeUp(after: error, into: &pieces) == isTaken)
        }
    }
}
