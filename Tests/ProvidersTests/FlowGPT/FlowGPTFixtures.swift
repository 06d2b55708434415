import Core
import HTTPCodec
import JSON
import OpenAIAPI
import Providers
import Testing

/// The provider with what an operator may have set.
func flowGPT(_ settings: [String: String] = [:]) throws -> FlowGPTProvider {
    try FlowGPTProvider(
        ProviderSettings(
            ["FLOWGPT_BASE_URL": "http://upstream", "FLOWGPT_SITE_URL": "http://site"].merging(settings) { $1 },
            now: { 1_700_000_000 }
        )
    )
}

/// A turn that says all of `said` and ends with the user's.
func flowGPTTurn(
    _ said: [(WebMessage.Role, String)] = [(.user, "What is 2+2?")],
    instructions: String = "",
    members: String = "",
    model: String = "default",
    key: String = "test-token",
    isOwnKey: Bool = false
) throws -> Turn {
    let body = #"{"model":"flowgpt/\#(model)","messages":[{"role":"user","content":"x"}]\#(members)}"#
    return Turn(
        request: try ModelRequest(.chat, body: Array(body.utf8)),
        model: model,
        key: key,
        account: "account-1",
        isOwnKey: isOwnKey,
        conversation: "",
        messages: said.map { WebMessage(role: $0.0, text: $0.1) },
        instructions: instructions,
        now: 1_700_000_000
    )
}

/// An upstream that opens conversations.
let opensConversations: @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer = { request in
    request.url.hasSuffix("/conversation/create")
        ? DeskAnswer(status: 200, body: Array(#"{"id":"c0nv-1","promptId":"p"}"#.utf8))
        : DeskAnswer(status: 404, body: Array("not found".utf8))
}

extension OutgoingRequest {
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }

    var json: JSONValue? { (try? JSONDocument(parsing: body))?.root }
}

/// What a reader made of a whole answer: neighbouring pieces of text joined.
struct FlowGPTRun: Equatable {
    var text = ""
    var reasoning = ""
    var finish: FinishReason?
    var failure: GatewayError.Code?
    var failureClass: FailureClass?
    var state: String?

    init(_ parts: [ArraySlice<UInt8>], _ reader: any AnswerReader) {
        var reader = reader
        var pieces = AnswerPieces()
        for part in parts {
            unsafe part.withUnsafeBytes { unsafe reader.receive($0, into: &pieces) }
        }
        reader.finish(into: &pieces)
        state = pieces.state.map { String(decoding: $0, as: UTF8.self) }
        for piece in pieces.pieces {
            switch piece {
            case .text(let text): self.text += text
            case .reasoning(let thought): reasoning += thought
            case .end(let reason): finish = reason
            case .failed(let error): (failure, failureClass) = (error.code, error.failureClass)
            case .file, .more: Issue.record("nothing of the kind was sent")
            }
        }
    }

    /// The answer whole, cut at every place, and byte by byte, all to the same effect.
    static func everyCut(
        _ answer: String,
        _ reader: any AnswerReader,
        sourceLocation: SourceLocation = #_sourceLocation
    ) -> FlowGPTRun {
        let bytes = Array(answer.utf8)
        let whole = FlowGPTRun([bytes[...]], reader)
        for place in bytes.indices {
            let cut = FlowGPTRun([bytes[..<place], bytes[place...]], reader)
            guard cut == whole else {
                Issue.record("cut before byte \(place): \(cut), whole: \(whole)", sourceLocation: sourceLocation)
                return whole
            }
        }
        let drip = FlowGPTRun(bytes.indices.map { bytes[$0...$0] }, reader)
        #expect(drip == whole, "byte by byte", sourceLocation: sourceLocation)
        return whole
    }
}
