import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers

/// Ids and times that tests know beforehand.
let gemini = GeminiProvider(baseURL: "http://upstream", now: { 7 }, random: { 0xABC })

/// A chat request as one job for a model.
func geminiJob(
    _ members: String = "",
    messages: String = #"[{"role":"user","content":"x"}]"#,
    model: String = "gemini-2.5-flash",
    key: String = "sk-test",
    dropsUnsupported: Bool = false,
    materials: Materials = Materials()
) throws -> Job {
    let body = #"{"model":"\#(model)","messages":\#(messages)\#(members.isEmpty ? "" : "," + members)}"#
    return Job(
        try ModelRequest(.chat, body: Array(body.utf8)),
        model: model,
        key: key,
        materials: materials,
        dropsUnsupported: dropsUnsupported
    )
}

func geminiSent(_ job: Job) throws -> OutgoingRequest {
    guard case .upstream(let outgoing) = try gemini.translate(job) else {
        throw GatewayError(.internalError, "not one call")
    }
    return outgoing
}

/// The body that leaves for Google.
func geminiBody(
    _ members: String = "",
    messages: String = #"[{"role":"user","content":"x"}]"#,
    model: String = "gemini-2.5-flash",
    materials: Materials = Materials()
) throws -> String {
    try geminiSent(geminiJob(members, messages: messages, model: model, materials: materials)).body.text
}

/// A stream as Google frames it, lines ended by CR and LF.
func geminiStream(_ payloads: String...) -> [UInt8] {
    Array(payloads.map { "data: \($0)\r\n\r\n" }.joined().utf8)
}

/// What is kept for the call `id` of `model` and the usual key, by asking a translation of such a call itself.
func geminiKept(_ id: String, signature: String?, model: String) throws -> Materials {
    let signed = signature.map { #","thoughtSignature":"\#($0)""# } ?? ""
    let answer = try gemini.translateAnswer(
        Array(
            #"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","id":"\#(id)"}\#(signed)}]},"finishReason":"STOP"}]}"#
                .utf8
        ),
        to: geminiJob(model: model)
    )
    var materials = Materials()
    for state in answer.kept { materials.kept[state.call] = state.state }
    return materials
}
