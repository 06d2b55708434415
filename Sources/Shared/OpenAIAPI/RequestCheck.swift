internal import Core
internal import JSON

/// Refuses what no upstream could make sense of, naming the parameter at fault.
///
/// Only shapes are checked, never ranges or the names of members: what a vendor allows is the vendor's to say, and a
/// member we do not know may be one it does.
struct RequestCheck {
    private let root: JSONValue

    init(_ root: JSONValue) {
        self.root = root
    }

    func check(_ operation: ModelRequest.Operation) throws(GatewayError) {
        switch operation {
        case .chat: try checkChat()
        case .completion:
            guard root.present("prompt") != nil else {
                throw .invalid("prompt", "You must provide a prompt parameter.", code: .missingParameter)
            }
        case .embedding: try checkEmbedding()
        }
    }

    private func checkChat() throws(GatewayError) {
        guard let messages = root.present("messages") else {
            throw .invalid("messages", "You must provide a messages parameter.", code: .missingParameter)
        }
        guard messages.isArray else { throw .invalid("messages", "'messages' must be an array.") }
        var place = 0
        for message in messages.elements {
            try check(message, at: place)
            place += 1
        }
        guard place > 0 else { throw .invalid("messages", "'messages' must hold at least one message.") }
        for key in ["temperature", "top_p", "frequency_penalty", "presence_penalty"] as [StaticString] {
            if let value = root.present(key), !value.isNumber { throw .invalid("\(key)", "'\(key)' must be a number.") }
        }
        for key in ["max_tokens", "max_completion_tokens", "n", "seed", "top_logprobs"] as [StaticString] {
            if let value = root.present(key), !value.isWholeNumber {
                throw .invalid("\(key)", "'\(key)' must be an integer.")
            }
        }
        try checkTools()
        if let stop = root.present("stop"), !stop.isString, !stop.isArray {
            throw .invalid("stop", "'stop' must be a string or an array of strings.")
        }
        if let format = root.present("response_format"), format["type"]?.isString != true {
            throw .invalid("response_format", "'response_format' must be an object with a 'type'.")
        }
    }

    private func check(_ message: JSONValue, at place: Int) throws(GatewayError) {
        guard message.isObject else { throw .invalid("messages[\(place)]", "A message must be an object.") }
        guard let role = message.present("role") else {
            throw .invalid("messages[\(place)].role", "A message must have a role.", code: .missingParameter)
        }
        guard role.isString else { throw .invalid("messages[\(place)].role", "A role must be a string.") }
        guard Self.roles.contains(where: { role.equals($0) }) else {
            throw .invalid(
                "messages[\(place)].role",
                "A role must be one of developer, system, user, assistant, tool and function."
            )
        }
        guard let content = message.present("content") else {
            // Assistants may have said nothing but tool calls.
            guard role.equals("assistant") || role.equals("function") else {
                throw .invalid(
                    "messages[\(place)].content",
                    "A message must have content.",
                    code: .missingParameter
                )
            }
            return
        }
        if content.isString { return }
        guard content.isArray else {
            throw .invalid("messages[\(place)].content", "Content must be a string or an array of parts.")
        }
        var part = 0
        for value in content.elements {
            guard value.isObject, value["type"]?.isString == true else {
                throw .invalid(
                    "messages[\(place)].content[\(part)]",
                    "A content part must be an object with a 'type'."
                )
            }
            part += 1
        }
    }

    private func checkTools() throws(GatewayError) {
        guard let tools = root.present("tools") else { return }
        guard tools.isArray else { throw .invalid("tools", "'tools' must be an array.") }
        var place = 0
        for tool in tools.elements {
            guard tool.isObject, tool["type"]?.isString == true else {
                throw .invalid("tools[\(place)]", "A tool must be an object with a 'type'.")
            }
            if tool["type"]?.equals("function") == true, tool["function"]?["name"]?.isString != true {
                throw .invalid("tools[\(place)].function.name", "A function must have a name.", code: .missingParameter)
            }
            place += 1
        }
    }

    private func checkEmbedding() throws(GatewayError) {
        guard let input = root.present("input") else {
            throw .invalid("input", "You must provide an input parameter.", code: .missingParameter)
        }
        guard input.isString || input.isArray else {
            throw .invalid("input", "'input' must be a string, an array of strings, or arrays of tokens.")
        }
        if input.isEmptyString || input.isArray && input.count == 0 {
            throw .invalid("input", "'input' must not be empty.")
        }
        if let format = root.present("encoding_format"), !format.equals("float"), !format.equals("base64") {
            throw .invalid("encoding_format", "'encoding_format' must be 'float' or 'base64'.")
        }
        if let dimensions = root.present("dimensions"), dimensions.int.map({ $0 < 1 }) ?? true {
            throw .invalid("dimensions", "'dimensions' must be a positive integer.")
        }
    }

    private static let roles: [StaticString] = ["user", "assistant", "system", "tool", "developer", "function"]
}

extension JSONValue {
    /// A number without fraction or exponent, of any size.
    fileprivate var isWholeNumber: Bool {
        isNumber && !raw.contains { $0 == UInt8(ascii: ".") || $0 | 32 == UInt8(ascii: "e") }
    }
}
