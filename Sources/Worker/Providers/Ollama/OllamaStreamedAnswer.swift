internal import Core
internal import JSON
internal import OpenAIAPI

/// Makes chunks of the lines of one answer.
struct OllamaStreamedAnswer {
    private let job: Job
    private let now: Int
    private let seed: UInt64
    /// Nothing before the first line, which says what all chunks share.
    private var writer: ChunkWriter?
    private var calls: OllamaCalls
    private var splitter = ThoughtSplitter()

    init(for job: Job, created: Int, seed: UInt64) {
        self.job = job
        now = created
        self.seed = seed
        calls = OllamaCalls(seed: seed)
    }

    mutating func take(_ line: JSONValue, into output: inout StreamOutput) {
        if writer == nil { begin(line) }
        var message: JSONValue?
        var logprobs: JSONValue?
        var isDone = false
        for (key, value) in line.members {
            if key.equals("message") {
                message = value
            } else if key.equals("logprobs") {
                logprobs = value
            } else if key.equals("done") {
                isDone = value.bool == true
            }
        }
        if let message { take(message: message, logprobs, into: &output) }
        if isDone, output.end == nil { end(line, into: &output) }
    }

    private mutating func begin(_ line: JSONValue) {
        let names = OllamaNames(line, model: job.model, now: now, seed: seed)
        writer = ChunkWriter(
            id: names.id,
            model: names.model,
            created: names.created,
            for: job.request,
            fingerprint: OllamaNames.fingerprint
        )
    }

    private mutating func take(message: JSONValue, _ logprobs: JSONValue?, into output: inout StreamOutput) {
        for (key, value) in message.members where output.end == nil {
            if key.equals("content") {
                take(text: value, logprobs, into: &output)
            } else if key.equals("thinking"), value.isString, !value.isEmptyString {
                // A model whose thoughts have their own place puts none into its text.
                splitter.settle()
                writer?.reasoning(value, into: &output.events)
                output.hasContent = true
            } else if key.equals("tool_calls") {
                for call in value.elements where output.end == nil { take(call: call, into: &output) }
            }
        }
    }

    private mutating func take(text: JSONValue, _ logprobs: JSONValue?, into output: inout StreamOutput) {
        guard text.isString, !text.isEmptyString else { return }
        if let logprobs, logprobs.isArray, logprobs.count > 0 {
            writer?.delta(logprobs: OllamaEnd.logprobs(logprobs), into: &output.events) {
                $0.member("content", .slice(text.raw))
            }
            output.hasContent = true
        } else if splitter.isSettled {
            writer?.text(text, into: &output.events)
            output.hasContent = true
        } else {
            write(splitter.take(text.string ?? ""), into: &output)
        }
    }

    private mutating func write(_ pieces: [ThoughtSplitter.Piece], into output: inout StreamOutput) {
        for piece in pieces {
            if piece.isThought {
                writer?.reasoning(piece.text, into: &output.events)
            } else {
                writer?.text(piece.text, into: &output.events)
            }
            output.hasContent = true
        }
    }

    private mutating func take(call value: JSONValue, into output: inout StreamOutput) {
        let place = calls.count
        guard let call = calls.call(value) else {
            output.end = .failed(.garbled("a call has no name"))
            return
        }
        writer?.toolCall(place, id: call.id, name: call.name, arguments: call.arguments, into: &output.events)
        output.hasContent = true
    }

    private mutating func end(_ line: JSONValue, into output: inout StreamOutput) {
        write(splitter.finish(), into: &output)
        writer?.finish(OllamaEnd.reason(line, hasCalls: calls.count > 0), into: &output.events) {
            OllamaEnd.write(line, to: &$0)
        }
        output.usage = OllamaEnd.usage(line)
        // Who asked for usage waits for it, even where nothing was counted.
        writer?.usage(output.usage ?? TokenUsage(), into: &output.events)
        output.hasContent = true
        output.end = .done
    }
}
