import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers

let huggingFace = HuggingFaceProvider(
    baseURL: "http://router/v1",
    embeddingsURL: "http://router/hf-inference",
    now: { 1_700_000_000 },
    callID: { "call_0000000000abc" }
)

/// A job for an engine of that kind, or for the router.
func engineJob(
    _ kind: String?,
    _ members: String = "",
    _ operation: ModelRequest.Operation = .chat,
    key: String = "",
    drops: Bool = false
) throws -> Job {
    let subject =
        switch operation {
        case .chat: #","messages":[{"role":"user","content":"x"}]"#
        case .completion: #","prompt":"x""#
        case .embedding: ""
        }
    let body = #"{"model":"huggingface/org/m"\#(subject)\#(members)}"#
    return Job(
        try ModelRequest(operation, body: Array(body.utf8)),
        model: "org/m",
        key: kind == nil ? "sk-test" : "",
        endpoint: kind.map { Endpoint(url: "http://engine", kind: $0, model: "served", key: key) },
        dropsUnsupported: drops
    )
}

/// The one call that the provider would make.
func engineRequest(_ job: Job) throws -> OutgoingRequest {
    guard case .upstream(let outgoing) = try huggingFace.translate(job) else {
        throw GatewayError(.internalError, "not one call")
    }
    return outgoing
}

/// The chunks of events in the plain spelling.
func chunks(_ text: String) throws -> [JSONValue] {
    try text.split(separator: "\n\n").map { event in
        try JSONDocument(parsing: Array(event.dropFirst("data: ".count).utf8)).root
    }
}
