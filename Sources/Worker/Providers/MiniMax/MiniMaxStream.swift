internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads a stream of MiniMax in any of its three shapes: with a usage chunk at the end, with the whole answer again at the
/// end, or with an error where either would be. Its `[DONE]` may come or not; the body's end is the end.
struct MiniMaxStream: StreamTranslator {
    /// The largest event that is taken.
    private static let largestEvent = 8 << 20

    private var reader = SSEReader(maximumEventBytes: largestEvent)
    private let job: Job
    private var writer: ChunkWriter?
    private var finish: FinishReason?
    private var hasSaid = false
    private var usage: TokenUsage?
    private var reasoning = ""
    /// The ids of the calls that have begun, by the vendor's index, in their order.
    private var calls: [(index: Int, id: String)] = []
    private var isFinishing = false

    init(for job: Job) { self.job = job }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        unsafe reader.receive(bytes)
        do throws(StreamFramingError) {
            while output.end == nil, let frame = try reader.next() { take(frame, into: &output) }
        } catch {
            output.end = .failed(.garbled("an event is too long"))
        }
        reader.compact()
    }

    mutating func finish(into output: inout StreamOutput) {
        guard output.end == nil else { return }
        isFinishing = true
        while output.end == nil, let frame = reader.finish() { take(frame, into: &output) }
        if output.end == nil { end(into: &output) }
    }

    private mutating func take(_ frame: SSEFrame, into output: inout StreamOutput) {
        let payload = reader.payload(of: frame)
        if payload.count >= 6, payload.prefix(6).equals("[DONE]") { return end(into: &output) }
        do throws(JSONError) {
            let chunk = try output.parser.parse(payload)
            output.count += 1
            guard chunk.isObject else {
                output.end = .failed(.garbled("a chunk is no object"))
                return
            }
            take(chunk, into: &output)
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }

    private mutating func take(_ chunk: JSONValue, into output: inout StreamOutput) {
        if let error = MiniMaxFailure.made(chunk) {
            // Text that was cut off for what it says is an end, not a failure.
            if error.upstreamCode == "content_policy_violation", hasSaid {
                finish = .contentFilter
            } else {
                output.end = .failed(error)
            }
            return
        }
        if let error = chunk.present("error") {
            output.end = .failed(UpstreamFailure.make(event: error))
            return
        }
        if let counted = MiniMaxUsage.read(chunk["usage"]) { usage = counted }
        guard let choice = chunk.present("choices")?[0] else { return }
        begin(chunk)
        if let delta = choice["delta"] {
            say(delta, into: &output)
        } else if let message = choice["message"], !hasSaid {
            // A very short answer comes as nothing but the whole.
            say(message, into: &output)
        }
        if let word = choice.present("finish_reason")?.string, !word.isEmpty {
            finish = MiniMaxEnd.reason(word, hasCalls: !calls.isEmpty, of: chunk)
        }
    }

    private mutating func begin(_ chunk: JSONValue) {
        guard writer == nil else { return }
        writer = ChunkWriter(
            id: chunk["id"]?.string ?? "",
            model: chunk["model"]?.string ?? job.model,
            created: chunk["created"]?.int ?? 0,
            for: job.request
        )
    }

    private mutating func say(_ delta: JSONValue, into output: inout StreamOutput) {
        // What a built-in tool found is not the model's to say.
        if delta["role"]?.equals("tool") == true { return }
        if let thought = delta.present("reasoning_content"), !thought.isEmptyString {
            writer?.reasoning(thought, into: &output.events)
            if reasoning.utf8.count < 1 << 18 { reasoning += thought.string ?? "" }
            said(&output)
        }
        if let text = delta.present("content"), text.isString, !text.isEmptyString {
            writer?.text(text, into: &output.events)
            said(&output)
        }
        for call in delta.present("tool_calls")?.elements.map({ $0 }) ?? [] { take(call: call, into: &output) }
    }

    private mutating func take(call: JSONValue, into output: inout StreamOutput) {
        let index = call["index"]?.int ?? max(0, calls.count - 1)
        let function = call["function"]
        if !calls.contains(where: { $0.index == index }) {
            let id = call.present("id")?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "call_\(calls.count)_\(index)"
            calls.append((index, id))
            writer?.toolCall(calls.count - 1, id: id, name: function?["name"]?.string ?? "", into: &output.events)
            if calls.count == 1, !reasoning.isEmpty {
                output.kept.append(KeptState(call: id, state: MiniMaxReasoning.details(reasoning)))
            }
        }
        said(&output)
        guard let place = calls.firstIndex(where: { $0.index == index }), let piece = function?.present("arguments"),
            piece.isString, !piece.isEmptyString
        else { return }
        writer?.toolArguments(place, .slice(piece.raw), into: &output.events)
    }

    private mutating func said(_ output: inout StreamOutput) {
        hasSaid = true
        output.hasContent = true
    }

    private mutating func end(into output: inout StreamOutput) {
        guard let finish, writer != nil else {
            output.end = .failed(.cut)
            return
        }
        writer?.finish(finish, into: &output.events)
        output.hasContent = true
        if let usage {
            output.usage = usage
            writer?.usage(usage, into: &output.events)
        }
        output.end = .done
    }
}
