internal import Core
internal import JSON

/// One part of what the model says, read in one pass: streams consist of little else.
struct GeminiPart {
    var text: JSONValue?
    var isThought = false
    var signature: JSONValue?
    var call: JSONValue?
    /// Content that is no text, an image mostly.
    var blob: JSONValue?

    init(_ part: JSONValue) {
        for (key, value) in part.members {
            if key.equals("text") {
                if value.isString { text = value }
            } else if key.equals("thought") {
                isThought = value.bool == true
            } else if key.equals("thoughtSignature") {
                if value.isString, !value.isEmptyString { signature = value }
            } else if key.equals("functionCall") {
                if value.isObject { call = value }
            } else if key.equals("inlineData") {
                if value["data"]?.isString == true { blob = value }
            }
        }
    }
}

/// A call that the model made.
struct GeminiCall {
    var id: String
    var name: String
    /// An object's JSON text.
    var arguments: String
    /// A JSON string.
    var signature: JSONFragment?
    /// The vendor gave it its id; else the gateway has.
    var hasVendorID: Bool
}

/// Gives the calls of one answer ids that no other call has: older models give none, some servers empty ones.
struct GeminiCallIDs {
    let seed: UInt64
    private var taken: Set<String> = []

    init(seed: UInt64) { self.seed = seed }

    /// Nil for a call of nothing.
    mutating func call(_ value: JSONValue, signature: JSONValue?) -> GeminiCall? {
        guard let name = value["name"]?.string, !name.isEmpty else { return nil }
        var id = value["id"]?.string ?? ""
        let isVendors = !id.isEmpty && id.utf8.count <= 256 && !taken.contains(id)
        if !isVendors { id = "call_\(String(seed, radix: 16))_\(taken.count)" }
        taken.insert(id)
        let arguments = value["args"].flatMap { $0.isObject ? $0 : nil }
        return GeminiCall(
            id: id,
            name: name,
            arguments: arguments.map { String(decoding: $0.raw, as: UTF8.self) } ?? "{}",
            signature: signature.map { .slice($0.raw) },
            hasVendorID: isVendors
        )
    }
}
