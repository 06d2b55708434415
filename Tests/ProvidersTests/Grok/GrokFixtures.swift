import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

/// The provider as the operator's variables make it.
func grok(_ variables: [String: String] = [:]) throws -> any WebProvider {
    let usual = ["GROK_BASE_URL": "http://grok", "GROK_ASSETS_URL": "http://assets"]
    let settings = ProviderSettings(usual.merging(variables) { $1 }, now: { 1_700_000_000 })
    return try #require(try GrokProvider.definition.make(settings) as? any WebProvider)
}

let grokPlace = Array(#"{"conversationId":"C1","responseId":"R1"}"#.utf8)

func grokTurn(
    _ messages: [WebMessage] = [WebMessage(role: .user, text: "Hello")],
    instructions: String = "",
    past: Turn.Past? = nil,
    model: String = "grok-4.2",
    key: String = "token-1",
    account: String = "account-1",
    isOwnKey: Bool = false,
    members: String = ""
) throws -> Turn {
    let body = #"{"model":"\#(model)","messages":[{"role":"user","content":"x"}]\#(members)}"#
    return Turn(
        request: try ModelRequest(.chat, body: Array(body.utf8)),
        model: model,
        key: key,
        account: account,
        isOwnKey: isOwnKey,
        conversation: "conv-1",
        messages: messages,
        instructions: instructions,
        past: past
    )
}

/// What a reader made of a whole answer.
struct GrokRun: Equatable, CustomStringConvertible {
    var text = ""
    var reasoning = ""
    var files: [AnswerFile] = []
    var finish: FinishReason?
    var failure: GatewayError.Code?
    var failureClass = FailureClass.none
    var state = ""
    var count = 0

    var description: String {
        "text \(text) | \(reasoning) | \(files.map(\.url)) | \(failure?.rawValue ?? "") \(state)"
    }

    init(_ pieces: [ArraySlice<UInt8>], _ reader: any AnswerReader) {
        var reader = reader
        var answer = AnswerPieces()
        for piece in pieces {
            unsafe piece.withUnsafeBytes { unsafe reader.receive($0, into: &answer) }
            take(&answer)
        }
        reader.finish(into: &answer)
        take(&answer)
    }

    init(_ pieces: AnswerPieces) {
        var pieces = pieces
        take(&pieces)
    }

    private mutating func take(_ answer: inout AnswerPieces) {
        count += answer.count
        if let state = answer.state { self.state = String(decoding: state, as: UTF8.self) }
        for piece in answer.pieces {
            // Whatever follows on an end is a mistake, and shows.
            if finish != nil || failure != nil { text += "[after the end]" }
            switch piece {
            case .text(let text): self.text += text
            case .reasoning(let thought): reasoning += thought
            case .file(let file): files.append(file)
            case .end(let reason): finish = reason
            case .failed(let error): (failure, failureClass) = (error.code, error.failureClass)
            case .more: text += "[more]"
            }
        }
        answer.reset()
    }
}

/// Reads frames, one a line, cut at every place and byte by byte, all to the same effect.
func grokRead(
    _ frames: String...,
    variables: [String: String] = [:],
    conversation: Bool = true,
    separator: String = "\n",
    end: String = "\n",
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> GrokRun {
    let past = Turn.Past(state: grokPlace, account: "account-1")
    let turn = try grokTurn(past: conversation ? past : nil)
    let reader = try await grok(variables).open(turn, at: ScriptedDesk()).reader
    let bytes = Array((frames.joined(separator: separator) + end).utf8)
    let whole = GrokRun([bytes[...]], reader)
    for place in bytes.indices where GrokRun([bytes[..<place], bytes[place...]], reader) != whole {
        Issue.record("cut before byte \(place)", sourceLocation: sourceLocation)
        return whole
    }
    let drip = GrokRun(bytes.indices.map { bytes[$0...$0] }, reader)
    #expect(drip == whole, "byte by byte", sourceLocation: sourceLocation)
    return whole
}

/// A frame of a conversation that is gone on with.
func flat(_ members: String) -> String { #"{"result":{\#(members),"responseId":"R2"}}"# }

/// A frame of a new conversation.
func nested(_ members: String) -> String { #"{"result":{"response":{\#(members),"responseId":"R2"}}}"# }

func said(_ text: String) -> String {
    flat(#""token":"\#(text)","isThinking":false,"isSoftStop":false,"messageTag":"final""#)
}

func whole(_ message: String, _ members: String = "") -> String {
    flat(#""modelResponse":{"responseId":"R2","message":"\#(message)","sender":"assistant"\#(members)}"#)
}

func body(of request: OutgoingRequest) -> String { String(decoding: request.body, as: UTF8.self) }

func header(_ name: String, of request: OutgoingRequest) -> String? {
    request.headers.first { $0.name.lowercased() == name }?.value
}

func scripted(
    _ answer: @escaping @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
) -> ScriptedDesk { ScriptedDesk(answer: answer) }
