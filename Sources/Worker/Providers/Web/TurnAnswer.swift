package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// The whole answer of a web application, gathered from its reader's pieces.
package struct TurnAnswer {
    private let turn: Turn
    private let id: String
    private var reader: any AnswerReader
    private var shaper: AnswerShaper
    private var choice = ChatAnswer.Choice()
    private var finish: FinishReason?
    private var state: [UInt8]?

    package init(_ opened: OpenedTurn, _ turn: Turn, id: String) {
        self.turn = turn
        self.id = id
        reader = opened.reader
        shaper = AnswerShaper(turn)
    }

    /// Reads one call's whole body; the request to make next where the answer goes on elsewhere.
    package mutating func receive(_ body: [UInt8]) throws(GatewayError) -> OutgoingRequest? {
        var pieces = AnswerPieces()
        unsafe body.withUnsafeBytes { bytes in unsafe reader.receive(bytes, into: &pieces) }
        reader.finish(into: &pieces)
        return try take(pieces)
    }

    /// Reads what came of a call's body before the call failed; the request to make next where the answer can be taken up
    /// again. Else the failure stands.
    package mutating func receive(
        _ body: [UInt8],
        until error: GatewayError
    ) throws(GatewayError) -> OutgoingRequest? {
        var pieces = AnswerPieces()
        unsafe body.withUnsafeBytes { bytes in unsafe reader.receive(bytes, into: &pieces) }
        guard reader.takeUp(after: error, into: &pieces) else { throw error }
        return try take(pieces)
    }

    private mutating func take(_ pieces: AnswerPieces) throws(GatewayError) -> OutgoingRequest? {
        if let state = pieces.state { self.state = state }
        var said: [AnswerShaper.Said] = []
        for piece in pieces.pieces { shaper.take(piece, into: &said) }
        while !said.isEmpty {
            let items = said
            said.removeAll()
            for item in items {
                switch item {
                case .text(let text): choice.text = (choice.text ?? "") + text
                case .reasoning(let thought): choice.reasoning += thought
                case .call(_, let id, let name):
                    choice.calls.append(ChatAnswer.Call(id: id, name: name, arguments: ""))
                case .arguments(let index, let text):
                    if choice.calls.indices.contains(index) { choice.calls[index].arguments += text }
                case .repair(let message):
                    if let request = reader.followUp(message) { return request }
                    shaper.isBeyondRepair(shaper.spoken, into: &said)
                case .end(let reason): finish = reason
                case .failed(let error): throw error
                case .more(let request): return request
                }
            }
        }
        if finish == nil { throw GatewayError.unexpectedAnswer }
        return nil
    }

    package var end: TurnEnd {
        TurnEnd(
            state: state,
            text: shaper.text,
            spoken: shaper.spoken,
            reasoning: shaper.reasoning,
            finish: finish ?? .stop
        )
    }

    package mutating func takeFiles() -> [NamedFile] { shaper.takeFiles() }

    package func bytes(usage: TokenUsage) -> [UInt8] {
        var answer = ChatAnswer(id: id, model: turn.request.model, created: turn.now)
        var choice = choice
        choice.finish = finish ?? .stop
        answer.choices = [choice]
        answer.usesFunctions = turn.form.usesFunctions
        answer.usage = usage
        answer.extra = { [conversation = turn.conversation] in $0.member("conversation_id", conversation) }
        return answer.bytes()
    }
}
