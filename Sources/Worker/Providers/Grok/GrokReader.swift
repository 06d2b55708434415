internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads an answer of the application: objects one after the other until the body ends, of which nobody says that it is the
/// last.
struct GrokReader: AnswerReader {
    private var cutter = GrokFrameCutter()
    private var answer: GrokAnswer
    private let configuration: GrokConfiguration
    private var further: GrokFollowUp

    /// `conversation` is the conversation that is gone on with; a new one tells its id.
    init(_ configuration: GrokConfiguration, conversation: String?, further: GrokFollowUp) {
        self.configuration = configuration
        self.further = further
        answer = GrokAnswer(configuration, conversation: conversation)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into pieces: inout AnswerPieces) {
        guard !answer.isOver else { return }
        unsafe cutter.receive(bytes)
        while !answer.isOver, let frame = cutter.next() {
            pieces.count += 1
            do throws(JSONError) {
                answer.take(try JSONDocument(parsing: frame).root, into: &pieces)
            } catch {
                answer.fail(.garbledFrame(error.description), into: &pieces)
            }
        }
        if cutter.isTooLong, !answer.isOver { answer.fail(.garbledFrame("a frame is too long"), into: &pieces) }
    }

    mutating func followUp(_ text: String) -> OutgoingRequest? {
        guard let request = further.request(text, after: answer.place) else { return nil }
        cutter = GrokFrameCutter()
        answer = GrokAnswer(configuration, conversation: answer.place.conversation)
        return request
    }

    mutating func finish(into pieces: inout AnswerPieces) {
        guard !answer.isOver else { return }
        if cutter.hasPart {
            answer.fail(.cutFrame, into: &pieces)
        } else {
            answer.end(into: &pieces)
        }
    }
}

extension GatewayError {
    fileprivate static func garbledFrame(_ cause: String) -> GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream's stream cannot be read.",
            source: .upstream,
            retry: .elsewhere,
            cause: cause
        )
    }

    fileprivate static var cutFrame: GatewayError {
        GatewayError(.upstreamCut, "The upstream broke the stream off.", source: .upstream, retry: .elsewhere)
    }
}
