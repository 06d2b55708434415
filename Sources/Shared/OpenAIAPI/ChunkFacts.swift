package import JSON

/// What the gateway must know of one chunk of a chat or completion stream; the chunk itself is relayed as it came.
package struct ChunkFacts: Sendable {
    /// Something a client would show or act on; a role alone is not.
    package var hasContent = false
    package var hasChoices = false
    package var finishReasons = 0
    /// The upstream stopped for lack of resources, which has no OpenAI equivalent.
    package var isInterrupted = false

    package init(_ chunk: JSONValue) {
        guard let choices = chunk["choices"] else { return }
        for choice in choices.elements {
            hasChoices = true
            // Some servers send an empty reason with every chunk.
            if let reason = choice.present("finish_reason"), !reason.isEmptyString {
                finishReasons += 1
                hasContent = true
                if reason.equals("insufficient_system_resource") { isInterrupted = true }
            }
            if let delta = choice["delta"] {
                if !hasContent { hasContent = Self.says(delta) }
            } else if let text = choice.present("text"), !text.isEmptyString {
                hasContent = true
            }
        }
    }

    /// A delta says something unless all of its members are the role, nulls, and empty strings or lists.
    private static func says(_ delta: JSONValue) -> Bool {
        for (key, value) in delta.members where !key.equals("role") {
            switch value.kind {
            case .null: continue
            case .string: if !value.isEmptyString { return true }
            case .array, .object: if value.count > 0 { return true }
            case .bool, .number: return true
            }
        }
        return false
    }
}
