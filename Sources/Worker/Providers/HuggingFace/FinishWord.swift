internal import JSON

/// An engine's word for the end of an answer, in OpenAI's words.
enum FinishWord: Equatable {
    case none
    /// The engine gave up.
    case aborted
    case word(String)

    init(_ value: JSONValue?) {
        switch value?.string {
        case nil, "": self = .none
        case "abort", "error": self = .aborted
        case "eos_token", "stop_sequence", "eos": self = .word("stop")
        case "max_tokens": self = .word("length")
        case .some(let word): self = .word(word)
        }
    }
}
