import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("MiniMax' embeddings")
struct MiniMaxEmbeddingTests {
    private let provider = MiniMaxProvider(url: "http://h", group: "42&x=y", now: { 0 })

    private func job(_ members: String) throws -> Job {
        let body = #"{"model":"minmax/embo-01",\#(members)}"#
        return Job(try ModelRequest(.embedding, body: Array(body.utf8)), model: "embo-01", key: "sk-test")
    }

    @Test(
        "Texts go in its words",
        arguments: [
            (#""input":"a""#, #"{"model":"embo-01","texts":["a"],"type":"db"}"#),
            (
                #""input":["a","b"],"type":"query","dimensions":1536"#,
                #"{"model":"embo-01","texts":["a","b"],"type":"query"}"#
            ),
        ]
    )
    func request(members: String, sent: String) throws {
        guard case .upstream(let call) = try provider.translate(try job(members)) else { return }
        #expect(call.url == "http://h/v1/embeddings?GroupId=42xy")
        #expect(String(decoding: call.body, as: UTF8.self) == sent)
    }

    @Test(
        "What it has not is refused by name",
        arguments: [
            (#""input":[1,2]"#, "input"), (#""input":"a","dimensions":8"#, "dimensions"),
            (#""input":"a","type":"x""#, "type"),
        ]
    )
    func refused(members: String, parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { _ = try provider.translate(try job(members)) }
        #expect(error?.parameter == parameter)
    }

    @Test("Vectors come in order, failures under any status")
    func answer() throws {
        let body = Array(#"{"vectors":[[0.5,1],[2,3]],"total_tokens":7,"base_resp":{"status_code":0}}"#.utf8)
        let plain = try provider.translateAnswer(body, to: job(#""input":["a","b"]"#))
        #expect(
            String(decoding: plain.body, as: UTF8.self)
                == #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,1]},{"object":"embedding","index":1,"embedding":[2,3]}],"model":"embo-01","usage":{"prompt_tokens":7,"total_tokens":7}}"#
        )
        #expect(plain.usage == TokenUsage(prompt: 7))
        let coded = try provider.translateAnswer(body, to: job(#""input":["a","b"],"encoding_format":"base64""#))
        #expect(String(decoding: coded.body, as: UTF8.self).contains(#""embedding":"AAAAPwAAgD8=""#))
        let failed = Array(#"{"vectors":null,"base_resp":{"status_code":1002}}"#.utf8)
        let error = #expect(throws: GatewayError.self) {
            _ = try provider.translateAnswer(failed, to: job(#""input":"a""#))
        }
        #expect(error?.code == .rateLimitExceeded)
        #expect(throws: GatewayError.self) { _ = try provider.translateAnswer(body, to: job(#""input":"a""#)) }
        let chat = Job(try job(#""input":"a""#).request, model: "MiniMax-M3", key: "")
        #expect(throws: GatewayError.self) { _ = try provider.translate(chat) }
    }
}
