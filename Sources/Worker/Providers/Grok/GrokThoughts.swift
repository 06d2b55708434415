internal import JSON

/// Joins what comes of a model's thoughts: steps, and lines about what it does, each of which begins on a line of its own.
struct GrokThoughts: Sendable {
    private var hasBegun = false
    private var isAtLineStart = true
    private var step: Int?
    private var speaker: String?

    /// A piece of thought; nothing for the banner that every thought begins with.
    mutating func think(_ frame: JSONValue, _ text: String) -> String {
        guard !text.isEmpty else { return "" }
        if !hasBegun {
            hasBegun = true
            if text.hasPrefix("Thinking about") { return "" }
        }
        let nextStep = frame["messageStepId"]?.int
        let nextSpeaker = frame["rolloutId"]?.string
        let isNew = step != nil && nextStep != step || speaker != nil && nextSpeaker != speaker
        step = nextStep
        speaker = nextSpeaker
        let lead = isNew && !isAtLineStart ? "\n" : ""
        isAtLineStart = text.hasSuffix("\n")
        return lead + text
    }

    /// A line about what is done.
    mutating func line(_ text: String) -> String {
        defer { isAtLineStart = true }
        return (isAtLineStart ? "" : "\n") + text + "\n"
    }
}
