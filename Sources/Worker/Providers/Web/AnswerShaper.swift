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
    private let thinking: ThinkingStyle
    private var machine: ToolCallMachine?
    private var cutter: StopCutter
    private var heard: [ToolCallMachine.Piece] = []
    /// The text of an answer whose form is checked when it is complete.
    private var unchecked = ""
    private var mayRepair = true
    private var isThinking = false
    private var calls = 0
    private(set) var isOver = false
    /// All that was said, as far as the client sees it as text.
    private(set) var text = ""
    /// All that the model said, its calls included.
    private(set) var spoken = ""
    private(set) var reasoning = ""
    private var files: [NamedFile] = []

    init(_ turn: Turn, thinking: ThinkingStyle) {
        self.turn = turn
        self.thinking = thinking
        machine = turn.form.tools?.machine
        cutter = turn.form.cutter
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
        case .file(let file): say(link(to: file), &said)
        case .end(let reason): end(reason, &said)
        case .failed(let error):
            // What was held back is the client's all the same, if it has had anything.
            isOver = true
            said.append(.failed(error))
        case .more(let request): said.append(.more(request))
        }
    }

    mutating func takeFiles() -> [NamedFile] {
        defer { files = [] }
        return files
    }

    private mutating func end(_ reason: FinishReason, _ said: inout [Said]) {
        stopThinking(&said)
        machine?.finish(into: &heard)
        handOn(&said)
        if let structured = turn.form.structured, calls == 0 {
            switch structured.check(unchecked) {
            case .valid(let json): cut(json, &said)
            case .invalid(let problem) where mayRepair && reason == .stop:
                mayRepair = false
                unchecked = ""
                return said.append(.repair(structured.repairRequest(problem)))
            case .invalid: cut(unchecked, &said)
            }
        }
        if isOver { return }
        emit(cutter.finish(), &said)
        finish(calls > 0 && reason == .stop ? .toolCalls : reason, &said)
    }

    /// The repair that was asked for cannot be had: the answer stays as it was.
    mutating func isBeyondRepair(_ answer: String, into said: inout [Said]) {
        cut(answer, &said)
        if isOver { return }
        emit(cutter.finish(), &said)
        finish(.stop, &said)
    }

    private mutating func finish(_ reason: FinishReason, _ said: inout [Said]) {
        isOver = true
        said.append(.end(reason))
    }

    private mutating func hear(_ text: String, _ said: inout [Said]) {
        guard machine != nil else { return say(text, &said) }
        machine?.feed(text, into: &heard)
        handOn(&said)
    }

    private mutating func handOn(_ said: inout [Said]) {
        for piece in heard where !isOver {
            switch piece {
            case .text(let text): say(text, &said)
            case .callBegan(let index, let name):
                calls = index + 1
                cutter.spend(name)
                said.append(.call(index, id: callID(index), name: name))
            case .arguments(let index, let text):
                cutter.spend(text)
                said.append(.arguments(index, text))
            case .callEnded: break
            }
        }
        heard.removeAll(keepingCapacity: true)
    }

    private mutating func say(_ piece: String, _ said: inout [Said]) {
        if turn.form.structured != nil { unchecked += piece } else { cut(piece, &said) }
    }

    private mutating func cut(_ piece: String, _ said: inout [Said]) {
        emit(cutter.feed(piece), &said)
        switch cutter.end {
        case .stop: finish(.stop, &said)
        case .length: finish(.length, &said)
        case nil: break
        }
    }

    private mutating func emit(_ piece: String, _ said: inout [Said]) {
        guard !piece.isEmpty else { return }
        text += piece
        said.append(.text(piece))
    }

    private mutating func think(_ thought: String, _ said: inout [Said]) {
        guard !thought.isEmpty else { return }
        reasoning += thought
        switch thinking {
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
