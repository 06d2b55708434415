internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads an answer: one JSON object a line, with blank lines between them and nothing at the end but the end.
package struct FlowGPTReader: AnswerReader {
    static let longestLine = 8 << 20

    /// How the request was signed, and what is to be tried should that be the reason for a refusal.
    let signing: FlowGPTSigning?
    private var lines = NDJSONReader(maximumLineBytes: longestLine)
    private var cleaner: PreambleCleaner
    private var hasRead = false
    private var hasText = false
    private var isOver = false

    init(cleaner: PreambleCleaner, signing: FlowGPTSigning? = nil) {
        self.cleaner = cleaner
        self.signing = signing
    }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer, into pieces: inout AnswerPieces) {
        guard !isOver else { return }
        unsafe lines.receive(bytes)
        do throws(StreamFramingError) {
            while !isOver, let line = try lines.next() { read(line, into: &pieces) }
        } catch {
            fail(FlowGPTFailure.broken("a line is too long"), into: &pieces)
        }
    }

    package mutating func finish(into pieces: inout AnswerPieces) {
        while !isOver, let line = lines.finish() { read(line, into: &pieces) }
        guard !isOver else { return }
        isOver = true
        say(cleaner.finish(), into: &pieces)
        pieces.pieces.append(hasText ? .end(.stop) : .failed(FlowGPTFailure.empty))
    }

    private mutating func read(_ line: Range<Int>, into pieces: inout AnswerPieces) {
        let bytes = Array(lines.bytes[line])
        let isFirst = !hasRead
        hasRead = true
        guard let record = (try? JSONDocument(parsing: bytes))?.root else {
            // Something else than an answer that was sent as one; later on it is noise.
            if isFirst { fail(FlowGPTFailure.noAnswer(bytes), into: &pieces) }
            return
        }
        pieces.count += 1
        let event = record.present("event")
        if record.present("error") != nil || event?.equals("error") == true || event?.equals("exception") == true {
            return fail(FlowGPTFailure.make(event: record), into: &pieces)
        }
        guard event == nil || event?.equals("text") == true, let text = record["data"]?.string else { return }
        if pieces.state == nil, let state = signing?.finding { pieces.state = state }
        say(cleaner.feed(text), into: &pieces)
    }

    private mutating func say(_ text: String, into pieces: inout AnswerPieces) {
        if !text.isEmpty { hasText = true }
        pieces.text(text)
    }

    private mutating func fail(_ error: GatewayError, into pieces: inout AnswerPieces) {
        isOver = true
        say(cleaner.finish(), into: &pieces)
        pieces.pieces.append(.failed(error))
    }
}

/// Finding out how an account's requests must be signed.
package struct FlowGPTSigning: Sendable {
    /// What the account was known to want before this turn.
    let known: FlowGPTSignature?
    let first: FlowGPTSignature
    let used: FlowGPTSignature

    /// What is left to try; nothing when all were.
    var next: FlowGPTSigning? {
        used.next == first ? nil : FlowGPTSigning(known: known, first: first, used: used.next)
    }

    /// What to remember where this way of signing was taken.
    var finding: [UInt8]? { used == known ? nil : Array(used.rawValue.utf8) }
}
