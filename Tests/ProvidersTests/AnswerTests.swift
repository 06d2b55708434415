import Core
import OpenAIAPI
import Providers
import Testing

@Suite("Whole answers")
struct AnswerTests {
    private func answer(
        _ body: String,
        _ operation: ModelRequest.Operation = .chat,
        _ members: String = "",
        with provider: any Provider = openAI
    ) throws -> PlainAnswer {
        let request = #"{"model":"m","messages":[{"role":"user","content":"x"}],"prompt":"x","input":"x"\#(members)}"#
        let job = Job(try ModelRequest(operation, body: Array(request.utf8)), model: "m", key: "sk-test")
        return try provider.translateAnswer(Array(body.utf8), to: job)
    }

    @Test("Bytes stay as they came, and usage is found")
    func passes() throws {
        let body =
            "\n\n { \"new\":1.0, \"choices\":[{\"message\":{\"content\":\"é\"}}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n"
        for provider in [openAI, deepSeek] as [any Provider] {
            let plain = try answer(body, with: provider)
            #expect(plain.body == Array(body.utf8))
            #expect(plain.usage == TokenUsage(prompt: 3, completion: 4))
        }
    }

    @Test(
        "What is no answer is not passed off as one",
        arguments: [
            ("", GatewayError.Code.upstreamInvalid), ("<html>", .upstreamInvalid), ("[]", .upstreamInvalid),
            (#"{"choices":{}}"#, .upstreamInvalid), (#"{"data":[]}"#, .upstreamInvalid),
            (#"{"error":{"message":"busy","type":"overloaded_error"}}"#, .upstreamOverloaded),
            (#"{"error":"busy"}"#, .upstreamError),
        ]
    )
    func refuses(_ body: String, _ code: GatewayError.Code) {
        let error = #expect(throws: GatewayError.self) { try answer(body) }
        #expect(error?.code == code)
        #expect(error?.retry == .elsewhere)
    }

    @Test("DeepSeek's lack of resources is an overload")
    func interrupted() {
        let body = #"{"choices":[{"message":{"content":"half"},"finish_reason":"insufficient_system_resource"}]}"#
        let error = #expect(throws: GatewayError.self) { try answer(body, with: deepSeek) }
        #expect(error?.status == 503)
        #expect(error?.retry == .elsewhere)
    }

    @Test(
        "Embeddings come in the encoding that was asked for",
        arguments: [
            (#","encoding_format":"base64""#, "[1.0,-2.5,0.1]", #""AACAPwAAIMDNzMw9""#),
            (#","encoding_format":"base64""#, #""AACAPw==""#, #""AACAPw==""#),
            (#","encoding_format":"float""#, #""AACAPwAAIMDNzMw9""#, "[1.0,-2.5,0.1]"),
            ("", #""AACAfwAAwH8=""#, "[null,null]"),
            ("", "[0.10000000149011612, 1e-7]", "[0.10000000149011612, 1e-7]"),
            (#","encoding_format":"float""#, #""AACA""#, #""AACA""#),
            (#","encoding_format":"base64""#, "[]", #""""#),
        ]
    )
    func embeddings(_ members: String, _ given: String, _ expected: String) throws {
        func body(_ embedding: String) -> String {
            #"{"object":"list", "data":[{"index":0,"embedding":\#(embedding),"object":"embedding"}],"usage":{"prompt_tokens":6}}"#
        }
        let plain = try answer(body(given), .embedding, members)
        #expect(plain.body.text == body(expected))
        #expect(plain.usage == TokenUsage(prompt: 6))
    }
}

@Suite("Echo")
struct EchoTests {
    private func echo(_ content: String, _ members: String = "") throws -> LocalAnswer {
        let body =
            #"{"model":"echo/echo","messages":[{"role":"system","content":"be brief"},"#
            + #"{"role":"user","content":\#(content)}]\#(members)}"#
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        let call = try EchoProvider(now: { 1_700_000_000 }).translate(Job(request, model: "echo", key: ""))
        guard case .local(let answer) = call else { throw GatewayError(.internalError, "not local") }
        return answer
    }

    @Test("It says back what the user said")
    func plain() throws {
        let answer = try echo(#""hello \"world\"""#)
        #expect(
            answer.body.text == #"{"id":"chatcmpl-echo-1700000000","object":"chat.completion","created":1700000000,"#
                + #""model":"echo/echo","choices":[{"index":0,"message":{"role":"assistant","content":"hello \"world\"","#
                + #""refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":4,"#
                + #""completion_tokens":2,"total_tokens":6}}"#
        )
        #expect(answer.events.isEmpty)
    }

    @Test("Its stream holds the same words, its own translator agrees", arguments: [false, true])
    func stream(_ wantsUsage: Bool) throws {
        let options = wantsUsage ? #","stream":true,"stream_options":{"include_usage":true}"# : #","stream":true"#
        let answer = try echo(#"[{"type":"text","text":"  one two\n"},{"type":"text","text":"三 "}]"#, options)
        #expect(answer.body.isEmpty)
        let text = answer.events.map(\.text).joined()
        let run = try StreamRun.everyCut(text + "data: [DONE]\n\n", wantsUsage: wantsUsage)
        #expect(run.text == text)
        #expect(run.usage == (wantsUsage ? TokenUsage(prompt: 5, completion: 3) : nil))
        let pieces = text.matches(of: /"delta":{"content":"([^"]*)"}/).map { String($0.output.1) }
        #expect(pieces == ["  ", "one ", #"two\n"#, "三 "])
        #expect(answer.usage.completion == 3)
    }

    @Test("An empty message is an empty answer")
    func empty() throws {
        #expect(try echo(#""""#, #","stream":true"#).events.count == 2)
    }

    @Test("A long text does not become a million events")
    func long() throws {
        let text = String(repeating: "ab ", count: 100_000)
        let answer = try echo("\"\(text)\"", #","stream":true"#)
        #expect(answer.events.count < 2100)
        #expect(answer.usage.completion == 100_000)
        #expect(answer.events.reduce(0) { $0 + $1.count } < 1_000_000)
    }
}
