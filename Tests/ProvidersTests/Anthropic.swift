import Core
import HTTPCodec
import OpenAIAPI
import Providers

let anthropic = AnthropicProvider(baseURL: "http://upstream", now: { 1_700_000_000 })

/// A job for one of Anthropic's models.
func anthropicJob(
    _ members: String = "",
    messages: String = #"[{"role":"user","content":"x"}]"#,
    model: String = "claude-sonnet-4-5",
    drops: Bool = false,
    kept: [String: String] = [:]
) throws -> Job {
    let body = #"{"model":"claude/\#(model)","messages":\#(messages)\#(members)}"#
    var materials = Materials()
    for (call, state) in kept { materials.kept[call] = Array(state.utf8) }
    return Job(
        try ModelRequest(.chat, body: Array(body.utf8)),
        model: model,
        key: "sk-test",
        materials: materials,
        dropsUnsupported: drops
    )
}

/// What the provider would send.
func anthropicRequest(_ job: Job, with provider: AnthropicProvider = anthropic) throws -> OutgoingRequest {
    switch try provider.translate(job) {
    case .upstream(let outgoing): return outgoing
    case .batch, .local: throw GatewayError(.internalError, "not one call")
    }
}

/// The body without what every one of them has.
func anthropicBody(_ job: Job, with provider: AnthropicProvider = anthropic) throws -> String {
    try anthropicRequest(job, with: provider).body.text
}
