internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Relays a stream that already speaks OpenAI chunks: every event is checked and, where nothing must change, sent on
/// with the very bytes it came in.
struct OpenAIStream: StreamTranslator {
    /// The largest event that is taken; audio and images come in single events.
    static let largestEvent = 32 << 20

    private var reader = SSEReader(maximumEventBytes: largestEvent)
    private let wantsUsage: Bool
    private let choices: Int
    private var finishReasons = 0
    private var shape = ChunkShape()
    /// The reader holds no part of an event; kept here, where it costs no look at the reader's memory.
    private var isBetweenEvents = false
    /// What comes now is the rest of the stream: an event in it may be half of one.
    private var isFinishing = false
    /// Only where thoughts must be remembered: then no event goes unread.
    private var keeper: ThoughtKeeper?

    /// `choices` is how many answers were asked for, each of which gives a reason for its end.
    init(wantsUsage: Bool, choices: Int = 1) {
        self.wantsUsage = wantsUsage
        self.choices = max(1, choices)
    }

    /// `keepsThoughts` says that the vendor wants the thoughts before a call back.
    init(for request: ModelRequest, keepsThoughts: Bool = false) {
        self.init(wantsUsage: request.wantsUsage, choices: request.document.root["n"]?.int ?? 1)
        if keepsThoughts { keeper = ThoughtKeeper() }
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        var rest = unsafe bytes
        if isBetweenEvents {
            let run = unsafe shape.leadingEvents(in: bytes)
            if run.count > 0 {
                output.count += run.count
                output.hasContent = true
                unsafe output.events.append(UnsafeRawBufferPointer(rebasing: bytes[..<run.bytes]))
                unsafe rest = UnsafeRawBufferPointer(rebasing: bytes[run.bytes...])
            }
        }
        if unsafe rest.isEmpty { return }
        unsafe reader.receive(rest)
        do throws(StreamFramingError) {
            while output.end == nil, let frame = try reader.next() { take(frame, into: &output) }
        } catch {
            output.end = .failed(.garbled("an event is too long"))
        }
        reader.compact()
        isBetweenEvents = reader.isBetweenEvents
    }

    /// Most reads of a stream at work are this: one or more ordinary chunks and no part of another.
    mutating func unchangedEvents(in bytes: UnsafeRawBufferPointer) -> Int {
        guard isBetweenEvents else { return 0 }
        let run = unsafe shape.leadingEvents(in: bytes)
        return run.bytes == bytes.count ? run.count : 0
    }

    mutating func finish(into output: inout StreamOutput) {
        guard output.end == nil else { return }
        isFinishing = true
        // A last event without its blank line is still one.
        while output.end == nil, let frame = reader.finish() { take(frame, into: &output) }
        guard output.end == nil else { return }
        // Not every server of this dialect sends `[DONE]`; one that gave its reasons and closed properly has ended.
        if finishReasons >= choices { complete(&output) } else { output.end = .failed(.cut) }
    }

    private func complete(_ output: inout StreamOutput) {
        if let keeper { output.kept += keeper.kept }
        output.end = .done
    }

    private mutating func take(_ frame: SSEFrame, into output: inout StreamOutput) {
        let payload = frame.joined.isEmpty ? reader.payload(of: frame) : Self.oneLine(frame.joined)
        if payload.count >= 6, payload.prefix(6).equals("[DONE]") {
            complete(&output)
            return
        }
        if frame.isPlain, shape.fits(reader.bytes[frame.range]) {
            output.count += 1
            output.hasContent = true
            output.events.append(reader.bytes[frame.range])
            return
        }
        do throws(JSONError) {
            let chunk = try output.parser.parse(payload)
            output.count += 1
            relay(chunk, frame, into: &output)
            if keeper != nil {
                keeper?.take(chunk)
            } else if frame.isPlain {
                shape.learn(chunk, payload)
            }
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }

    private mutating func relay(_ chunk: JSONValue, _ frame: SSEFrame, into output: inout StreamOutput) {
        guard chunk.isObject else {
            output.end = .failed(.garbled("a chunk is no object"))
            return
        }
        if let error = chunk.present("error") {
            output.end = .failed(UpstreamFailure.make(event: error))
            return
        }
        if let name = frame.name, reader.bytes[name].equals("error") {
            output.end = .failed(UpstreamFailure.make(event: chunk))
            return
        }
        let facts = ChunkFacts(chunk)
        finishReasons += facts.finishReasons
        let usage = chunk["usage"]
        if let counted = TokenUsage(usage) { output.usage = counted }
        if facts.isInterrupted {
            output.end = .failed(.interrupted)
            return
        }
        if facts.hasContent { output.hasContent = true }
        guard let usage else {
            pass(chunk, frame, into: &output)
            return
        }
        switch (wantsUsage, usage.isObject, facts.hasChoices) {
        case (true, false, _): pass(chunk, frame, into: &output)
        case (true, true, false): passTrailer(chunk, frame, into: &output)
        // DeepSeek and others put usage on the finishing chunk; OpenAI's clients expect it on one of its own.
        case (true, true, true) where facts.finishReasons > 0:
            emit(chunk, [.set("usage", .null)], into: &output)
            emit(chunk, [.set("choices", .literal("[]"))], into: &output)
        // Running totals on every chunk are somebody's extension: theirs to keep.
        case (true, true, true): pass(chunk, frame, into: &output)
        // The trailer exists only because the gateway asked. Another chunk without choices may be a moderation result.
        case (false, true, false) where chunk["moderation"] == nil: break
        case (false, _, _): emit(chunk, [.remove("usage")], into: &output)
        }
    }

    /// The usage trailer, which some servers send without `choices`; OpenAI's clients read that member.
    private func passTrailer(_ chunk: JSONValue, _ frame: SSEFrame, into output: inout StreamOutput) {
        if chunk["choices"] == nil {
            emit(chunk, [.set("choices", .literal("[]"))], into: &output)
        } else {
            pass(chunk, frame, into: &output)
        }
    }

    /// Sends the event on as it came; one in an unusual spelling is written again.
    private func pass(_ chunk: JSONValue, _ frame: SSEFrame, into output: inout StreamOutput) {
        if frame.isPlain {
            output.events.append(reader.bytes[frame.range])
        } else {
            emit(chunk, [], into: &output)
        }
    }

    /// A line break in a JSON text stands between tokens, where a blank does as well.
    private static func oneLine(_ payload: [UInt8]) -> ArraySlice<UInt8> {
        payload.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }[...]
    }

    private func emit(_ chunk: JSONValue, _ edits: [JSONEdit], into output: inout StreamOutput) {
        output.events.append("data: " as StaticString)
        chunk.append(to: &output.events, editing: edits)
        output.events.append("\n\n" as StaticString)
    }
}

extension GatewayError {
    /// The upstream closed properly, but in the middle of its answer.
    static var cut: GatewayError {
        GatewayError(
            .upstreamCut,
            "The upstream ended the stream before it was complete.",
            source: .upstream,
            retry: .elsewhere
        )
    }

    /// The upstream gave up for lack of resources and said so in a place of its own.
    static var interrupted: GatewayError {
        GatewayError(.upstreamOverloaded, "The upstream ran out of resources.", source: .upstream, retry: .elsewhere)
    }

    /// The upstream sent what is no stream of this dialect.
    static func garbled(_ cause: String) -> GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream sent something that is not a valid stream.",
            source: .upstream,
            retry: .elsewhere,
            cause: cause
        )
    }
}
