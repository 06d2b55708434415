internal import Core
internal import JSON
internal import OpenAIAPI

/// Makes chunks of the events of one answer. Its end is written when the stream ends: usage, and the censor's verdict, may
/// come after the reason.
struct MiniMaxStreamedAnswer {
    /// The cluster keeps no more of an answer's thoughts.
    static let keptLimit = 256 << 10

    private let job: Job
    private let now: Int
    private var writer: ChunkWriter?
    private var splitter = ThoughtSplitter()
    private var calls = MiniMaxCalls()
    private var usage: TokenUsage?
    private var reason: FinishReason?
    private var isCut = false
    /// Whether anything of the answer has been passed on.
    private var hasSpoken = false
    /// The thoughts as a JSON string without its quotes.
    private var thoughts = ByteBuffer()

    init(for job: Job, created: Int) {
        self.job = job
        now = created
    }

    mutating func take(_ chunk: JSONValue, into output: inout StreamOutput) {
        let code = MiniMaxFailure.code(of: chunk)
        if let failure = MiniMaxFailure.made(chunk) {
            guard code == 1027, hasSpoken else {
                output.end = .failed(failure)
                return
            }
            isCut = true
            reason = .contentFilter
        }
        if writer == nil {
            let names = MiniMaxNames(chunk, model: job.model, now: now)
            writer = ChunkWriter(id: names.id, model: names.model, created: names.created, for: job.request)
        }
        if let counted = MiniMaxUsage.read(chunk["usage"]) {
            usage = counted
            output.usage = counted
        }
        if MiniMaxEnd.isSensitive(chunk) { isCut = true }
        guard let choice = chunk["choices"]?[0] else { return }
        if let delta = choice["delta"], delta.isObject {
            take(delta: delta, into: &output)
        } else if !hasSpoken, let message = MiniMaxAnswer.message(of: choice) {
            // The whole answer, which repeats the deltas where there were any.
            take(delta: message, into: &output)
        }
        if let native = choice.present("finish_reason"), native.isString, !native.isEmptyString {
            reason = MiniMaxEnd.reason(native, hasCalls: false, isCut: false)
        }
    }

    /// The upstream says that the stream is complete, which takes a reason as well.
    mutating func finish(into output: inout StreamOutput) {
        guard writer != nil, let reason else {
            output.end = .failed(.cut)
            return
        }
        write(splitter.finish(), into: &output)
        if let unfilled = calls.close() {
            writer?.toolArguments(unfilled, .literal(#""{}""#), into: &output.events)
        }
        let end = reason == .stop && calls.count > 0 ? FinishReason.toolCalls : reason
        writer?.finish(isCut ? .contentFilter : end, into: &output.events)
        if let usage { writer?.usage(usage, into: &output.events) }
        if let call = calls.first, thoughts.count > 0, thoughts.count < Self.keptLimit {
            output.kept.append(KeptState(call: call, state: MiniMaxReasoning.details(thoughts.quoted[...])))
        }
        output.hasContent = true
        output.end = .done
    }

    private mutating func take(delta: JSONValue, into output: inout StreamOutput) {
        // What the vendor's own search found is no part of the answer.
        if delta["role"]?.equals("tool") == true { return }
        for text in MiniMaxReasoning.texts(of: delta) { think(text, into: &output) }
        if let text = delta["content"], text.isString, !text.isEmptyString {
            // Even where it is held back, as the beginning of a mark would be.
            hasSpoken = true
            if splitter.isSettled {
                writer?.text(text, into: &output.events)
                say(&output)
            } else {
                write(splitter.take(text.string ?? ""), into: &output)
            }
        }
        for call in delta["tool_calls"]?.elements.map({ $0 }) ?? [] where output.end == nil {
            take(call: call, into: &output)
        }
    }

    private mutating func say(_ output: inout StreamOutput) {
        hasSpoken = true
        output.hasContent = true
    }

    private mutating func think(_ text: JSONValue, into output: inout StreamOutput) {
        // A model whose thoughts have their own place puts none into its text.
        splitter.settle()
        writer?.reasoning(text, into: &output.events)
        thoughts.append(insideOf: text, limit: Self.keptLimit)
        say(&output)
    }

    private mutating func write(_ pieces: [ThoughtSplitter.Piece], into output: inout StreamOutput) {
        for piece in pieces {
            if piece.isThought {
                writer?.reasoning(piece.text, into: &output.events)
                if thoughts.count < Self.keptLimit {
                    var quoted = JSONWriter()
                    quoted.string(piece.text)
                    thoughts.append(copying: quoted.take().dropFirst().dropLast())
                }
            } else {
                writer?.text(piece.text, into: &output.events)
            }
            say(&output)
        }
    }

    private mutating func take(call value: JSONValue, into output: inout StreamOutput) {
        let place: Int
        switch calls.take(value) {
        case .begins(let index, let id, let name, let unfilled):
            if let unfilled { writer?.toolArguments(unfilled, .literal(#""{}""#), into: &output.events) }
            writer?.toolCall(index, id: id, name: name, into: &output.events)
            say(&output)
            place = index
        case .continues(let index): place = index
        case .invalid:
            output.end = .failed(.garbled("a call has no name"))
            return
        }
        guard let piece = value["function"]?["arguments"] else { return }
        if piece.isString, !piece.isEmptyString {
            calls.fill()
            writer?.toolArguments(place, .slice(piece.raw), into: &output.events)
        } else if piece.isObject {
            calls.fill()
            writer?.toolArguments(place, .string(String(decoding: piece.raw, as: UTF8.self)), into: &output.events)
        }
    }
}
