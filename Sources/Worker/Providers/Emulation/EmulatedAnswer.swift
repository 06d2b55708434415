package import Core
package import OpenAIAPI

/// All that a request asks of an answer and an upstream of mere text cannot do, in one: tools, stop sequences, the limit of
/// tokens. The upstream's text goes in; what comes out is text and calls, as far as the client wants them.
package struct EmulatedAnswer: Sendable {
    package typealias Piece = ToolCallMachine.Piece

    /// What the model must be told of tools; nil where none are to be called.
    package let tools: ToolPrompt?
    /// The form that the whole text must have: it is judged when it is complete, so such an answer is not streamed.
    package let form: StructuredAnswer?
    private var machine: ToolCallMachine
    private var cutter: StopCutter
    /// A model that has called does not wait for the result but invents one, now and then.
    private var inventions: StopCutter
    private var found: [Piece] = []

    /// `count` counts the tokens of a text: no more than one for each byte.
    package init(_ chat: ChatRequest, count: @escaping @Sendable (String) -> Int) throws(GatewayError) {
        tools = try ToolPrompt(chat)
        form = StructuredAnswer(chat.responseFormat)
        machine = tools?.machine ?? ToolCallMachine(CallableTools(names: []))
        cutter = try StopCutter(chat, count: count)
        inventions = StopCutter(stops: ["<tool_result"], limit: nil, count: count)
    }

    /// What the model must be told, before all else; nil where that is nothing.
    package var instructions: String? {
        let parts = [tools?.text, form?.instruction].compactMap { $0 }
        return parts.isEmpty ? nil : parts.joined(separator: "\n\n")
    }

    /// Whether nothing more is wanted of the upstream.
    package var hasEnded: Bool { cutter.end != nil || inventions.end != nil }

    /// How many calls have been passed on.
    package private(set) var callCount = 0

    /// Whether a call was no valid JSON before it was repaired: it may have been cut.
    package var hasRepaired: Bool { machine.hasRepaired }

    /// Appends what may go out now.
    package mutating func feed(_ text: String, into pieces: inout [Piece]) {
        guard !hasEnded else { return }
        machine.feed(text, into: &found)
        pass(&pieces)
    }

    /// The upstream's text has ended, or nothing more is wanted of it. Appends the rest, and says why the answer ends as far
    /// as the text can tell.
    package mutating func finish(into pieces: inout [Piece]) -> FinishReason {
        if !hasEnded {
            machine.finish(into: &found)
            pass(&pieces)
        }
        flush(&pieces)
        if cutter.end == .length { return .length }
        return callCount > 0 ? .toolCalls : .stop
    }

    private mutating func pass(_ pieces: inout [Piece]) {
        for piece in found where !hasEnded {
            switch piece {
            case .text(let text):
                add(callCount > 0 ? inventions.feed(text) : text, &pieces)
            case .callBegan:
                flush(&pieces)
                guard !hasEnded else { break }
                callCount += 1
                pieces.append(piece)
            case .arguments, .callEnded: pieces.append(piece)
            }
        }
        found.removeAll(keepingCapacity: true)
    }

    /// What was held back before a call, or before the end, is neither a stop sequence nor a result.
    private mutating func flush(_ pieces: inout [Piece]) {
        add(inventions.finish(), &pieces)
        let rest = cutter.finish()
        if !rest.isEmpty { pieces.append(.text(rest)) }
    }

    private mutating func add(_ text: String, _ pieces: inout [Piece]) {
        let kept = cutter.feed(text)
        if !kept.isEmpty { pieces.append(.text(kept)) }
    }
}
