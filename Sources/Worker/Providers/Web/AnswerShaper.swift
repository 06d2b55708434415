internal import Core
internal import Crypto
internal import HTTPCodec
internal import OpenAIAPI

/// Makes of a web application's pieces what the client has asked for, the same for all of them: thoughts where they are
/// wanted, files under addresses of ours, nothing after the end.
struct AnswerShaper {
    enum Said {
        case text(String)
        case reasoning(String)
        case end(FinishReason)
        case failed(GatewayError)
        case more(OutgoingRequest)
    }

    private let turn: Turn
    private let thinking: ThinkingStyle
    private var isThinking = false
    private(set) var isOver = false
    /// All that was said, as far as the client sees it.
    private(set) var text = ""
    private(set) var reasoning = ""
    private(set) var files: [NamedFile] = []

    init(_ turn: Turn, thinking: ThinkingStyle) {
        self.turn = turn
        self.thinking = thinking
    }

    mutating func take(_ piece: AnswerPieces.Piece, into said: inout [Said]) {
        if isOver { return }
        switch piece {
        case .text(let text): say(text, &said)
        case .reasoning(let thought): think(thought, &said)
        case .file(let file): say(link(to: file), &said)
        case .end(let reason):
            stopThinking(&said)
            isOver = true
            said.append(.end(reason))
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

    private mutating func say(_ piece: String, _ said: inout [Said]) {
        guard !piece.isEmpty else { return }
        stopThinking(&said)
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
        case .tags where !text.isEmpty && !isThinking: break
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

    private mutating func link(to file: AnswerFile) -> String {
        let lead = text.isEmpty ? "" : "\n\n"
        let mark = file.isImage ? "!" : ""
        // Its owner can fetch it, and nobody here may.
        if turn.isOwnKey { return "\(lead)\(mark)[\(file.title)](\(file.url))" }
        let code = (try? HMACSHA256.authenticate(Array(file.url.utf8), key: turn.secret)) ?? []
        let name = "\(Hex.encode(code.prefix(16))).\(file.fileExtension)"
        files.append(NamedFile(name: name, file: file))
        return "\(lead)\(mark)[\(file.title)](\(turn.filesURL)\(name))"
    }
}

/// A file of an answer and the name under which it can be had here, which nobody can guess.
package struct NamedFile: Sendable {
    package let name: String
    package let file: AnswerFile
}
