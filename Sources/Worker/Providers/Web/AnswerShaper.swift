internal import Core
internal import Crypto
internal import HTTPCodec
internal import OpenAIAPI

/// Makes of a web application's pieces what the client has asked for, the same for all of them: thoughts where they are
/// wanted, calls of tools found in the text, JSON that was checked, files under addresses of ours, nothing after the end.
struct AnswerShaper {
    enum Said {
        case text(String)
        case reasoning(String)
        /// A call begins. Calls are counted from 0.
        case call(Int, id: String, name: String)
        case arguments(Int, String)
        case end(FinishReason)
        case failed(GatewayError)
        case more(OutgoingRequest)
        /// The answer is not in the form that was asked for: another is to be had with this message.
        case repair(String)
    }

    private let turn: Turn
    private var emulated: EmulatedAnswer?
    private var heard: [EmulatedAnswer.Piece] = []
    /// The text of an answer whose form is checked when it is complete.
    private var unchecked = ""
    private var mayRepair = true
    private var isThinking = false
    private(set) var isOver = false
    /// All that was said, as far as the client sees it as text.
    private(set) var text = ""
    /// All that the model said, its calls included.
    private(set) var spoken = ""
    private(set) var reasoning = ""
    private var files: [NamedFile] = []

    init(_ turn: Turn) {
        self.turn = turn
        emulated = turn.form.emulated
    }

    mutating func take(_ piece: AnswerPieces.Piece, into said: inout [Said]) {
        if isOver { return }
        switch piece {
        case .text(let text):
            guard !text.isEmpty else { return }
            spoken += text
            stopThinking(&said)
            hear(text, &said)
        case .reasoning(let thought): think(thought, &said)
        case .file(let file): emit(link(to: file), &said)
        case .end(let reason): end(reason, &said)
        case .failed(let error):
            isOver = true
            said.append(.failed(error))
        case .more(let request): said.append(.more(request))
        }
    }

    mutating func takeFiles() -> [NamedFile] {
        defer { files = [] }
        return files
    }

    /// The repair that was asked for cannot be had: the answer stays as it was.
    mutating func isBeyondRepair(_ answer: String, into said: inout [Said]) {
        emit(answer, &said)
        finish(.stop, &said)
    }

    private mutating func end(_ reason: FinishReason, _ said: inout [Said]) {
        stopThinking(&said)
        let why = emulated?.finish(into: &heard) ?? .stop
        let wasCut = emulated?.hasEnded ?? false
        handOn(&said)
        if let form = emulated?.form, emulated?.callCount == 0 {
            switch form.check(unchecked) {
            case .valid(let json): emit(json, &said)
            case .invalid(let problem) where mayRepair && reason == .stop && !wasCut:
                mayRepair = false
                unchecked = ""
                emulated = turn.form.emulated
                return said.append(.repair(form.repairRequest(problem)))
            case .invalid: emit(unchecked, &said)
            }
        }
        finish(why == .stop && !wasCut || reason == .contentFilter ? reason : why, &said)
    }

    private mutating func finish(_ reason: FinishReason, _ said: inout [Said]) {
        isOver = true
        said.append(.end(reason))
    }

    private mutating func hear(_ text: String, _ said: inout [Said]) {
        guard emulated != nil else { return emit(text, &said) }
        emulated?.feed(text, into: &heard)
        handOn(&said)
        // A stop sequence, the limit, or a result that nobody gave: nothing more is wanted.
        if emulated?.hasEnded == true { end(.stop, &said) }
    }

    private mutating func handOn(_ said: inout [Said]) {
        for piece in heard {
            switch piece {
            case .text(let text): if emulated?.form == nil { emit(text, &said) } else { unchecked += text }
            case .callBegan(let index, let name): said.append(.call(index, id: callID(index), name: name))
            case .arguments(let index, let text): said.append(.arguments(index, text))
            case .callEnded: break
            }
        }
        heard.removeAll(keepingCapacity: true)
    }

    private mutating func emit(_ piece: String, _ said: inout [Said]) {
        guard !piece.isEmpty else { return }
        text += piece
        said.append(.text(piece))
    }

    private mutating func think(_ thought: String, _ said: inout [Said]) {
        guard !thought.isEmpty else { return }
        reasoning += thought
        switch turn.thinking {
        case .hidden: break
        case .field: said.append(.reasoning(thought))
        // A thought that comes late would stand in the middle of the answer.
        case .tags where !spoken.isEmpty && !isThinking: break
        case .tags:
            said.append(.text(isThinking ? thought : "<think>\n" + thought))
            isThinking = true
        }
    }

    private mutating func stopThinking(_ said: inout [Said]) {
        guard isThinking else { return }
        isThinking = false
        said.append(.text("\n</think>\n"))
    }

    private func callID(_ index: Int) -> String { "call_" + code("call \(index)").prefix(24) }

    private func code(_ text: String) -> String {
        Hex.encode((try? HMACSHA256.authenticate(Array(text.utf8), key: turn.secret)) ?? [])
    }

    private mutating func link(to file: AnswerFile) -> String {
        let lead = spoken.isEmpty ? "" : "\n\n"
        let mark = file.isImage ? "!" : ""
        // Its owner can fetch it, and nobody here may.
        if turn.isOwnKey { return "\(lead)\(mark)[\(file.title)](\(file.url))" }
        let name = "\(code(file.url).prefix(32)).\(file.fileExtension)"
        files.append(NamedFile(name: name, file: file))
        return "\(lead)\(mark)[\(file.title)](\(turn.filesURL)\(name))"
    }
}

/// A file of an answer and the name under which it can be had here, which nobody can guess.
package struct NamedFile: Sendable {
    package let name: String
    package let file: AnswerFile
}
