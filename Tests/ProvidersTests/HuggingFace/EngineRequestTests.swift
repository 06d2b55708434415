import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Requests to engines")
struct EngineRequestTests {
    @Test(
        "Names: the first segment is cut off, short ones are completed",
        arguments: [
            ("huggingface", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
            ("huggingface", "sentence-transformers/all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
            ("huggingface", "all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"),
            ("huggingface", "bge-large-zh-v1.5", "BAAI/bge-large-zh-v1.5"),
            ("huggingface", "gpt2", "gpt2"), ("huggingface", "org/m:fastest", "org/m:fastest"),
            ("sentence-transformers", "all-mpnet-base-v2", "sentence-transformers/all-mpnet-base-v2"),
            ("sentence-transformers", "anything", "sentence-transformers/anything"),
            ("sentence-transformers", "BAAI/bge-m3", "BAAI/bge-m3"),
        ]
    )
    func names(_ prefix: String, _ name: String, _ id: String) {
        #expect(huggingFace.modelID(name, prefix: prefix) == id)
    }

    @Test("The engine is called at its own address, by its own name, with its own key or none")
    func address() throws {
        let bare = try engineRequest(try engineJob("vllm"))
        #expect(bare.url == "http://engine/v1/chat/completions")
        #expect(!bare.headers.contains { $0.name == "Authorization" })
        #expect(try JSONDocument(parsing: bare.body).root["model"]?.string == "served")
        let keyed = try engineRequest(try engineJob("vllm", key: "sim-key-1"))
        #expect(keyed.headers.contains(HTTPHeader("Authorization", "Bearer sim-key-1")))
        #expect(try engineRequest(try engineJob("vllm", "", .completion)).url == "http://engine/v1/completions")
        let embedding = try engineRequest(try engineJob("infinity", #","input":"x""#, .embedding))
        #expect(embedding.url == "http://engine/embeddings")
    }

    @Test("Without an engine the router is called with the token")
    func router() throws {
        let outgoing = try engineRequest(try engineJob(nil))
        #expect(outgoing.url == "http://router/v1/chat/completions")
        #expect(outgoing.headers.contains(HTTPHeader("Authorization", "Bearer sk-test")))
        #expect(try JSONDocument(parsing: outgoing.body).root["model"]?.string == "org/m")
    }

    @Test("The hosted pipeline gets inputs in its own words")
    func hosted() throws {
        let outgoing = try engineRequest(try engineJob(nil, #","input":["a","b"]"#, .embedding))
        #expect(outgoing.url == "http://router/hf-inference/models/org/m/pipeline/feature-extraction")
        #expect(outgoing.body.text == #"{"inputs":["a","b"]}"#)
        #expect(throws: GatewayError.self) { try engineRequest(try engineJob(nil, #","input":[1,2]"#, .embedding)) }
    }

    @Test(
        "A model's name cannot lead the hosted pipeline elsewhere",
        arguments: ["a/../b", "a?b", "a b", "a#b", "a%2e"]
    )
    func hostedName(_ model: String) throws {
        let request = try ModelRequest(.embedding, body: Array(#"{"model":"m","input":"x"}"#.utf8))
        #expect(throws: GatewayError.self) { try huggingFace.translate(Job(request, model: model, key: "k")) }
    }

    @Test(
        "Each kind gets the words it knows",
        arguments: [
            ("tgi", #","max_completion_tokens":5"#, #","max_tokens":5"#),
            ("vllm", #","max_completion_tokens":5"#, #","max_completion_tokens":5"#),
            ("transformers", #","max_completion_tokens":5,"store":true"#, #","max_tokens":5"#),
            ("vllm", #","reasoning_effort":"none""#, #","chat_template_kwargs":{"enable_thinking":false}"#),
            ("vllm", #","top_k":3,"min_p":0.1"#, #","top_k":3,"min_p":0.1"#),
            ("transformers", #","response_format":{"type":"text"}"#, ""),
        ]
    )
    func words(_ kind: String, _ given: String, _ sent: String) throws {
        let body = try JSONDocument(parsing: try engineRequest(try engineJob(kind, given)).body).root
        let expected = try JSONDocument(
            parsing: Array(#"{"model":"served","messages":[{"role":"user","content":"x"}]\#(sent)}"#.utf8)
        ).root
        #expect(Set(body.members.compactMap(\.key.string)) == Set(expected.members.compactMap(\.key.string)))
        for (key, value) in expected.members {
            #expect(body.member(named: key.string ?? "")?.raw.elementsEqual(value.raw) == true, "\(key.string ?? "")")
        }
    }

    @Test(
        "What an engine cannot do is refused by name",
        arguments: [
            ("tgi", #","n":2"#, "n"), ("transformers", #","logprobs":true"#, "logprobs"),
            ("transformers", #","response_format":{"type":"json_object"}"#, "response_format"),
            ("transformers", #","made_up":1"#, "made_up"),
        ]
    )
    func refuses(_ kind: String, _ members: String, _ parameter: String) throws {
        let error = #expect(throws: GatewayError.self) { try engineRequest(try engineJob(kind, members)) }
        #expect(error?.parameter == parameter)
        #expect(error?.status == 400)
        #expect(error?.retry == .elsewhere, "another engine may have it")
    }

    @Test("What is to be dropped is")
    func drops() throws {
        let job = try engineJob("transformers", #","logprobs":true,"logprobs":true"#, drops: true)
        #expect(try JSONDocument(parsing: try engineRequest(job).body).root["logprobs"] == nil)
    }

    @Test("A member repeated without end does no harm")
    func repeated() throws {
        let job = try engineJob("transformers", String(repeating: #","metadata":{}"#, count: 500))
        #expect(try JSONDocument(parsing: try engineRequest(job).body).root["metadata"] == nil)
    }

    @Test("The developer's role becomes the system's")
    func developer() throws {
        let body = #"{"model":"m","messages":[{"role":"developer","content":"a"},{"role":"user","content":"b"}]}"#
        let request = try ModelRequest(.chat, body: Array(body.utf8))
        let endpoint = Endpoint(url: "http://engine", kind: "vllm", model: "served")
        let outgoing = try engineRequest(Job(request, model: "org/m", key: "", endpoint: endpoint))
        #expect(outgoing.body.text.contains(#"[{"role":"system","content":"a"},{"role":"user","content":"b"}]"#))
    }

    @Test("An engine that does not chat is not asked to, nor one to embed that does not")
    func operations() throws {
        #expect(throws: GatewayError.self) { try engineRequest(try engineJob("tei")) }
        #expect(throws: GatewayError.self) { try engineRequest(try engineJob("tgi", #","input":"x""#, .embedding)) }
    }
}
