internal import Core
internal import JSON
internal import OpenAIAPI

/// What is remembered of one tool call until its result comes: the signature of the thoughts that led to it, and whether
/// the vendor itself gave the call its id.
struct GeminiKept {
    /// Accepted in place of a signature for calls that this model never made.
    static let foreign: JSONFragment = .literal(#""skip_thought_signature_validator""#)

    /// A JSON string.
    var signature: JSONFragment?
    var hasVendorID = false

    /// What is known of `call`: what the client carries wins over what was kept, unless that says that it is another
    /// account's or model's, to whom it was given.
    init(_ call: ToolCall, in job: Job, _ model: GeminiModel) {
        guard model.hasSignatures else { return }
        let carried = Self.carriedSignature(call.source)
        guard let bytes = job.materials.kept[call.id], let root = (try? JSONDocument(parsing: bytes))?.root else {
            signature = carried.map { .slice($0.raw) }
            // Those that the gateway invents begin so.
            hasVendorID = carried != nil && model.hasCallIDs && !call.id.hasPrefix("call_")
            return
        }
        hasVendorID = model.hasCallIDs && root["id"]?.bool == true
        // For another model or key a signature is called corrupted.
        guard root["model"]?.equals(model.name) == true, root["key"]?.equals(Self.fingerprint(job.key)) == true else {
            return
        }
        if let value = carried ?? root.present("signature"), value.isString { signature = .slice(value.raw) }
    }

    /// The signature where Google's compatible interface has it; of a call or of a whole message.
    static func carriedSignature(_ source: JSONValue) -> JSONValue? {
        guard let value = source["extra_content"]?["google"]?["thought_signature"], value.isString,
            !value.isEmptyString
        else { return nil }
        return value
    }

    /// Writes the member in which clients carry a signature.
    static func writeExtra(_ signature: JSONFragment, to writer: inout JSONWriter) {
        writer.key("extra_content")
        writer.beginObject()
        writer.key("google")
        writer.beginObject()
        writer.member("thought_signature", signature)
        writer.endObject()
        writer.endObject()
    }

    /// Enough to tell the keys of a pool apart and far too little to find one (FNV-1a of 32 bits).
    static func fingerprint(_ key: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in key.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
        return String(hash, radix: 16)
    }
}

/// Makes what is to be remembered, for as long as an answer comes in.
struct GeminiKeeper {
    private let model: GeminiModel
    private let key: String

    init(_ job: Job) {
        model = GeminiModel(job.model)
        key = GeminiKept.fingerprint(job.key)
    }

    /// Nothing where there is nothing to remember.
    func state(of call: GeminiCall) -> KeptState? {
        guard call.signature != nil || call.hasVendorID, model.hasSignatures else { return nil }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", model.name)
        writer.member("key", key)
        if let signature = call.signature { writer.member("signature", signature) }
        writer.member("id", call.hasVendorID)
        writer.endObject()
        return KeptState(call: call.id, state: writer.take())
    }
}
