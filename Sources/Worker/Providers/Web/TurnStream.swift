package import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// The streamed answer of a web application: its reader's pieces as OpenAI chunks, each with the conversation's name.
package struct TurnStream: StreamTranslator {
    private var reader: any AnswerReader
    private var shaper: AnswerShaper
    private var chunks: ChunkWriter
    private var pieces = AnswerPieces()
    private var said: [AnswerShaper.Said] = []
    private var state: [UInt8]?

    package init(_ opened: OpenedTurn, _ turn: Turn, id: String) {
        reader = opened.reader
        shaper = AnswerShaper(turn)
        chunks = ChunkWriter(
            id: id,
            model: turn.request.model,
            created: turn.now,
            for: turn.request,
            conversation: turn.conversation
        )
    }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        unsafe reader.receive(bytes, into: &pieces)
        handOver(to: &output)
    }

    package mutating func finish(into output: inout StreamOutput) {
        // A further call's body may be nothing at all.
        unsafe reader.receive(UnsafeRawBufferPointer(start: nil, count: 0), into: &pieces)
        reader.finish(into: &pieces)
        handOver(to: &output)
    }

    package mutating func takeUp(after error: GatewayError, into output: inout StreamOutput) -> Bool {
        guard reader.takeUp(after: error, into: &pieces) else { return false }
        handOver(to: &output)
        return true
    }

    private mutating func handOver(to output: inout StreamOutput) {
        output.count += pieces.count
        if let state = pieces.state { self.state = state }
        for piece in pieces.pieces { shaper.take(piece, into: &said) }
        pieces.reset()
        while !said.isEmpty {
            let items = said
            said.removeAll(keepingCapacity: true)
            for item in items { say(item, &output) }
        }
        output.files += shaper.takeFiles()
    }

    private mutating func say(_ item: AnswerShaper.Said, _ output: inout StreamOutput) {
        switch item {
        case .text(let text):
            chunks.text(text, into: &output.events)
            output.hasContent = true
        case .reasoning(let thought):
            chunks.reasoning(thought, into: &output.events)
            output.hasContent = true
        case .call(let index, let id, let name):
            chunks.toolCall(index, id: id, name: name, into: &output.events)
            output.hasContent = true
        case .arguments(let index, let text):
            chunks.toolArguments(index, .string(text), into: &output.events)
        case .repair(let message):
            if let request = reader.followUp(message) {
                output.end = .more(request)
            } else {
                // Nobody can mend it; what is left to say is said with the next pieces.
                shaper.isBeyondRepair(shaper.spoken, into: &said)
            }
        case .end(let reason):
            chunks.finish(reason, into: &output.events)
            let end = TurnEnd(
                state: state,
                text: shaper.text,
                spoken: shaper.spoken,
                reasoning: shaper.reasoning,
                finish: reason
            )
            output.concluded = ConcludedTurn(end: end, chunks: chunks)
            output.end = .done
        case .failed(let error): output.end = .failed(error)
        case .more(let request): output.end = .more(request)
        }
    }
}

/// A turn that has come to its end, but for the usage, which is counted then.
package struct ConcludedTurn: Sendable {
    package let end: TurnEnd
    private let chunks: ChunkWriter

    init(end: TurnEnd, chunks: ChunkWriter) {
        self.end = end
        self.chunks = chunks
    }

    /// The usage trailer, if the client asked for one.
    package func appendUsage(_ usage: TokenUsage, to output: inout ByteBuffer) { chunks.usage(usage, into: &output) }
}
