package import Core
package import JSON

/// A request that names a model: chat, legacy completion or embeddings, in the OpenAI dialect.
///
/// The client's own document is kept whole and stays the only copy of what it asked; nothing here drops what it does not
/// understand. Typed members are what the gateway itself must know.
package struct ModelRequest: Sendable {
    package enum Operation: String, Sendable {
        case chat, completion, embedding
    }

    package let operation: Operation
    package let document: JSONDocument
    package let model: String
    package let streams: Bool
    /// Whether the client asked for the usage trailer of a stream.
    package let wantsUsage: Bool
    /// Members that the client's own dialect brought along, for the vendor who knows them; the others may leave them out.
    package var dispensable: [StaticString] = []

    package init(_ operation: Operation, body: [UInt8]) throws(GatewayError) {
        self.operation = operation
        document = try Self.parse(body)
        let root = document.root
        guard root.isObject else { throw .invalid(nil, "The request body must be a JSON object.") }
        guard let name = root.present("model") else {
            throw .invalid("model", "You must provide a model parameter.", code: .missingParameter)
        }
        guard let model = name.string, !model.isEmpty, model.utf8.count <= 512 else {
            throw .invalid("model", "'model' must be a non-empty string.")
        }
        self.model = model
        streams = try root.flag("stream") ?? false
        guard let options = root.present("stream_options") else {
            wantsUsage = false
            try RequestCheck(root).check(operation)
            return
        }
        guard options.isObject else { throw .invalid("stream_options", "'stream_options' must be an object.") }
        guard let wanted = options.present("include_usage") else {
            wantsUsage = false
            try RequestCheck(root).check(operation)
            return
        }
        guard let wantsUsage = wanted.bool else {
            throw .invalid("stream_options.include_usage", "'stream_options.include_usage' must be a boolean.")
        }
        self.wantsUsage = wantsUsage
        try RequestCheck(root).check(operation)
    }

    package static func parse(_ body: [UInt8]) throws(GatewayError) -> JSONDocument {
        guard !body.isEmpty else {
            throw .invalid(nil, "The request has no body; a JSON object is expected.", code: .invalidJSON)
        }
        do throws(JSONError) {
            return try JSONDocument(parsing: body)
        } catch {
            let verdict = error.isLimit ? "cannot be read" : "is not valid JSON"
            throw .invalid(
                nil,
                "The request body \(verdict): \(error.message) at byte \(error.offset).",
                code: .invalidJSON
            )
        }
    }
}

extension JSONValue {
    /// The member, unless it is missing or null: the two mean the same in requests.
    package func present(_ key: StaticString) -> JSONValue? {
        guard let value = self[key], !value.isNull else { return nil }
        return value
    }

    func flag(_ key: StaticString) throws(GatewayError) -> Bool? {
        guard let value = present(key) else { return nil }
        guard let flag = value.bool else { throw .invalid("\(key)", "'\(key)' must be a boolean.") }
        return flag
    }
}
