import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

let ollama = OllamaProvider(baseURL: "http://upstream", now: { 1_700_000_000 }, random: { 0xABC })

/// A job for an Ollama server.
func ollamaJob(
    _ members: String = "",
    messages: String = #"[{"role":"user","content":"x"}]"#,
    model: String = "llama3:8b",
    drops: Bool = false,
    files: [String: FetchedFile] = [:]
) throws -> Job {
    let body = #"{"model":"ollama/\#(model)","messages":\#(messages)\#(members)}"#
    var materials = Materials()
    materials.files = files
    return Job(
        try ModelRequest(.chat, body: Array(body.utf8)),
        model: model,
        key: "",
        materials: materials,
        dropsUnsupported: drops
    )
}

/// What the provider would send.
func ollamaBody(_ job: Job) throws -> String {
    switch try ollama.translate(job) {
    case .upstream(let outgoing): return outgoing.body.text
    case .batch, .local: throw GatewayError(.internalError, "not one call")
    }
}

/// The part of the body behind the messages of `ollamaJob`.
func ollamaMembers(_ members: String, model: String = "llama3:8b", drops: Bool = false) throws -> String {
    let body = try ollamaBody(try ollamaJob(members, model: model, drops: drops))
    let start = #"{"model":"\#(model)","stream":false,"messages":[{"role":"user","content":"x"}]"#
    #expect(body.hasPrefix(start))
    return String(body.dropFirst(start.count).dropLast())
}

/// What is refused, and how.
func refusal(_ body: () throws -> Void) -> GatewayError? {
    do {
        try body()
        return nil
    } catch {
        return error as? GatewayError
    }
}
