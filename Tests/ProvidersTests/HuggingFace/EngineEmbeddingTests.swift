import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

@Suite("Embeddings of engines")
struct EngineEmbeddingTests {
    private func answer(
        _ bodies: [String],
        _ members: String = #","input":["a","b"]"#,
        kind: String? = "tei"
    ) throws -> (root: JSONValue, answer: PlainAnswer) {
        let job = try engineJob(kind, members, .embedding)
        let answer = try huggingFace.translateAnswers(bodies.map { Array($0.utf8) }, to: job)
        return (try JSONDocument(parsing: answer.body).root, answer)
    }

    private func vectors(_ root: JSONValue) -> [[Double]] {
        (root["data"].map { Array($0.elements) } ?? []).map { item in
            (item["embedding"].map { Array($0.elements) } ?? []).compactMap(\.double)
        }
    }

    @Test("What TEI does not take at once is cut, and put together in order")
    func batches() throws {
        let inputs = (0..<70).map { "\"\($0)\"" }.joined(separator: ",")
        let job = try engineJob("tei", #","input":[\#(inputs)]"#, .embedding)
        guard case .batch(let calls) = try huggingFace.translate(job) else {
            Issue.record("no batch")
            return
        }
        let sizes = try calls.map { try JSONDocument(parsing: $0.body).root["input"]?.count }
        #expect(sizes == [32, 32, 6])
        let bodies = try calls.map { call in
            let given = try #require(JSONDocument(parsing: call.body).root["input"]).elements.compactMap(\.string)
            // Out of order, as an engine may answer.
            let data = given.enumerated().reversed().map { #"{"index":\#($0),"embedding":[\#($1)]}"# }
            return #"{"data":[\#(data.joined(separator: ","))],"usage":{"prompt_tokens":5,"total_tokens":5}}"#
        }
        let whole = try huggingFace.translateAnswers(bodies.map { Array($0.utf8) }, to: job)
        let root = try JSONDocument(parsing: whole.body).root
        #expect(vectors(root) == (0..<70).map { [Double($0)] })
        #expect(root["data"]?[69]?["index"]?.int == 69)
        #expect(whole.usage?.prompt == 15)
    }

    @Test("The tokens of one text are no batch")
    func tokens() throws {
        let ids = (0..<70).map(String.init).joined(separator: ",")
        let job = try engineJob("tei", #","input":[\#(ids)]"#, .embedding)
        guard case .upstream = try huggingFace.translate(job) else {
            Issue.record("a batch")
            return
        }
    }

    @Test("Bare vectors of the hosted pipeline, and those of each token, whose mean is taken")
    func bare() throws {
        let (root, answer) = try answer(["[[1,0],[0,2]]"], kind: nil)
        #expect(vectors(root) == [[1, 0], [0, 2]])
        #expect(answer.usage == nil, "nobody counted")
        #expect(root["usage"]?["prompt_tokens"]?.int ?? 0 > 0, "but something is told")
        let nested = try self.answer(["[[[3,0],[3,8]],[[1,0]]]"], kind: nil).root
        #expect(vectors(nested)[0] == [0.6, 0.8])
        #expect(vectors(try self.answer(["[1,2,3]"], #","input":"a""#, kind: nil).root) == [[1, 2, 3]])
        let item = #"{"data":[{"index":0,"embedding":[[3,0],[3,8]]}]}"#
        #expect(vectors(try self.answer([item], #","input":"a""#, kind: "llamacpp-py").root) == [[0.6, 0.8]])
    }

    @Test("base64 both ways, and fewer dimensions than came")
    func encodings() throws {
        // 1.0 and 2.0, little-endian.
        let coded = #"{"data":[{"index":0,"embedding":"AACAPwAAAEA="}]}"#
        let plain = #"{"data":[{"index":0,"embedding":[1,2]}]}"#
        #expect(vectors(try answer([coded], #","input":"a""#).root) == [[1, 2]])
        for body in [coded, plain] {
            let root = try answer([body], #","input":"a","encoding_format":"base64""#).root
            #expect(root["data"]?[0]?["embedding"]?.string == "AACAPwAAAEA=")
        }
        let long = #"{"data":[{"index":0,"embedding":[3,4,12]}]}"#
        #expect(vectors(try answer([long], #","input":"a","dimensions":2"#).root) == [[0.6, 0.8]])
    }

    @Test(
        "What is no answer is not passed off as one",
        arguments: [
            "", "{}", "[]", "[[1]]", #"{"data":[]}"#, #"{"data":[{"embedding":[]},{"embedding":[1]}]}"#,
            #"{"data":[{"embedding":["x"]},{"embedding":[1]}]}"#, #"{"data":[{"embedding":"?"},{"embedding":[1]}]}"#,
            #"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
            #"{"data":[{"embedding":[[1],[1,2]]},{"embedding":[1]}]}"#,
            #"{"data":[{"embedding":[1e999]},{"embedding":[1]}]}"#, #"{"error":"boom"}"#,
        ]
    )
    func refuses(_ body: String) {
        #expect(throws: GatewayError.self) { try answer([body]) }
    }
}
