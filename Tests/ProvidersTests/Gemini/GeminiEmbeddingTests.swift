import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Embeddings of Gemini")
struct GeminiEmbeddingTests {
    private func job(_ members: String, model: String = "models/embedding-001") throws -> Job {
        Job(
            try ModelRequest(.embedding, body: Array(#"{"model":"m",\#(members)}"#.utf8)),
            model: model,
            key: "sk-test"
        )
    }

    private func requests(_ members: String) throws -> [OutgoingRequest] {
        switch try gemini.translate(job(members)) {
        case .upstream(let one): [one]
        case .batch(let many): many
        case .local: []
        }
    }

    @Test("One call for few texts, with every option")
    func one() throws {
        let sent = try requests(#""input":["a","\u00e9"],"dimensions":768,"task_type":"RETRIEVAL_QUERY","user":"u""#)
        #expect(sent.count == 1)
        #expect(sent[0].url == "http://upstream/v1beta/models/embedding-001:batchEmbedContents")
        let rest = #","outputDimensionality":768,"taskType":"RETRIEVAL_QUERY"}"#
        #expect(
            sent[0].body.text == #"{"requests":[{"model":"models/embedding-001","content":{"parts":[{"text":"a"}]}"#
                + rest
                + #",{"model":"models/embedding-001","content":{"parts":[{"text":"\u00e9"}]}"# + rest + "]}"
        )
        #expect(
            try requests(#""input":"a","encoding_format":"base64""#)[0].body.text
                == #"{"requests":[{"model":"models/embedding-001","content":{"parts":[{"text":"a"}]}}]}"#
        )
    }

    @Test("A hundred texts a call, and their order is kept")
    func many() throws {
        let input = (0..<201).map { "\"\($0)\"" }.joined(separator: ",")
        let sent = try requests(#""input":[\#(input)]"#)
        #expect(sent.map { $0.body.text.components(of: "\"model\"") } == [100, 100, 1])
        #expect(sent[1].body.text.contains(#"{"text":"100"}"#))
        let bodies = [100, 100, 1].map { count in
            Array(
                #"{"embeddings":[\#(Array(repeating: #"{"values":[1]}"#, count: count).joined(separator: ","))]}"#.utf8
            )
        }
        let root = try JSONDocument(
            parsing: gemini.translateAnswers(bodies, to: job(#""input":[\#(input)]"#)).body
        ).root
        #expect(root["data"]?.elements.map { $0["index"]?.int } == Array(0..<201))
        #expect(throws: GatewayError.self) {
            try gemini.translateAnswers(Array(bodies.dropLast()), to: job(#""input":[\#(input)]"#))
        }
    }

    @Test("Vectors have length one: those that have stay as they came")
    func vectors() throws {
        func answer(_ values: String, _ members: String = "") throws -> String {
            let body = #"{"embeddings":[{"values":\#(values)}],"usageMetadata":{"promptTokenCount":5}}"#
            let plain = try gemini.translateAnswer(Array(body.utf8), to: job(#""input":"a"\#(members)"#))
            #expect(plain.usage == TokenUsage(prompt: 5))
            return plain.body.text
        }
        func expected(_ vector: String) -> String {
            #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":\#(vector)}],"model":"embedding-001","usage":{"prompt_tokens":5,"total_tokens":5}}"#
        }
        #expect(try answer("[0.60000, 0.8]") == expected("[0.60000, 0.8]"))
        #expect(try answer("[3, -4]") == expected("[0.6,-0.8]"))
        #expect(try answer("[0, 0]") == expected("[0.0,0.0]"))
        #expect(try answer("[2, 0]", #","encoding_format":"base64""#) == expected(#""AACAPwAAAAA=""#))
        #expect(try answer("[1e308,1e308]").contains("embedding"))
    }

    @Test("Without a count there is none to report")
    func uncounted() throws {
        let plain = try gemini.translateAnswer(
            Array(#"{"embeddings":[{"values":[1]}]}"#.utf8),
            to: job(#""input":"a""#)
        )
        #expect(plain.usage == nil)
        #expect(plain.body.text.hasSuffix(#""usage":{"prompt_tokens":0,"total_tokens":0}}"#))
    }

    @Test(
        "What cannot be embedded is refused",
        arguments: [
            (#""input":[1,2]"#, "input"), (#""input":[[1]]"#, "input"), (#""input":"a","task_type":1"#, "task_type"),
            (#""input":"a","fancy":1"#, "fancy"),
        ]
    )
    func refused(_ members: String, _ parameter: String) {
        let error = #expect(throws: GatewayError.self) { try requests(members) }
        #expect(error?.parameter == parameter)
    }

    @Test("Too many texts are refused as OpenAI does")
    func most() {
        let input = Array(repeating: "\"a\"", count: 2049).joined(separator: ",")
        let error = #expect(throws: GatewayError.self) { try requests(#""input":[\#(input)]"#) }
        #expect(error?.parameter == "input")
    }

    @Test(
        "What is no answer is not passed off as one",
        arguments: ["{}", #"{"embeddings":[{}]}"#, #"{"embeddings":[]}"#]
    )
    func invalid(_ body: String) {
        let error = #expect(throws: GatewayError.self) {
            try gemini.translateAnswer(Array(body.utf8), to: job(#""input":"a""#))
        }
        #expect(error?.code == .upstreamInvalid)
    }
}
