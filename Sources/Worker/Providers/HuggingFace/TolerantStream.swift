internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads streams of engines that mean OpenAI's dialect and take liberties with it: each event is put right, and the
/// result is read as OpenAI's own would be.
struct TolerantStream: EventTranslator {
    var reader = SSEReader(maximumEventBytes: OpenAIStream.largestEvent)
    private var strict: OpenAIStream
    private var chunks: TolerantChunks
    private let omitsToolFinish: Bool
    /// For a stream whose usage must be counted.
    private let uncounted: ModelRequest?
    private var hasUsage = false

    init(for request: ModelRequest, _ chunks: TolerantChunks, omitsToolFinish: Bool, omitsUsage: Bool = false) {
        strict = OpenAIStream(for: request)
        uncounted = omitsUsage ? request : nil
        self.chunks = chunks
        self.omitsToolFinish = omitsToolFinish
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        unsafe receiveEvents(bytes, into: &output)
        conclude(&output)
    }

    mutating func finish(into output: inout StreamOutput) {
        finishEvents(into: &output)
        conclude(&output)
    }

    mutating func bodyEnded(into output: inout StreamOutput) {
        // Calls are whole when the body ends properly, on engines that never say so.
        if chunks.lacksReason, chunks.hasCalls, omitsToolFinish { feed(chunks.missingFinish(), into: &output) }
        strict.finish(into: &output)
    }

    /// A stream that has ended without telling its usage has it counted.
    private mutating func conclude(_ output: inout StreamOutput) {
        hasUsage = hasUsage || output.usage != nil
        guard let uncounted, !hasUsage, case .done? = output.end else { return }
        output.concluded = ConcludedTurn(end: TurnEnd(text: chunks.said), chunks: chunks.trailer(for: uncounted))
    }

    mutating func take(_ frame: SSEFrame, isLast: Bool, into output: inout StreamOutput) {
        // Line breaks of a JSON text stand between tokens, where blanks do as well.
        let payload =
            frame.joined.isEmpty
            ? reader.payload(of: frame) : frame.joined.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }[...]
        if payload.count >= 6, payload.prefix(6).equals("[DONE]") {
            guard chunks.lacksReason else {
                output.end = .done
                return
            }
            guard chunks.hasCalls else {
                output.end = .failed(.cut)
                return
            }
            feed(chunks.missingFinish(), into: &output)
            if output.end == nil { output.end = .done }
            return
        }
        let chunk: JSONValue
        do throws(JSONError) {
            chunk = try output.parser.parse(payload)
        } catch {
            output.end = .failed(isLast ? .cut : .garbled(error.description))
            return
        }
        if let failure = Self.failure(chunk, isNamedError: frame.name.map { reader.bytes[$0].equals("error") } ?? false)
        {
            output.count += 1
            output.end = .failed(failure)
            return
        }
        guard chunk.isObject else {
            output.end = .failed(.garbled("a chunk is no object"))
            return
        }
        guard let event = chunks.event(chunk) else {
            output.count += 1
            output.end = .failed(.interrupted)
            return
        }
        feed(event, into: &output)
    }

    /// vLLM of old says `"object":"error"` where others have an `error`, which is a text for TGI.
    private static func failure(_ chunk: JSONValue, isNamedError: Bool) -> GatewayError? {
        if let error = chunk.present("error") { return HuggingFaceFailure.make(event: error) }
        return isNamedError || chunk["object"]?.equals("error") == true ? HuggingFaceFailure.make(event: chunk) : nil
    }

    private mutating func feed(_ event: [UInt8], into output: inout StreamOutput) {
        unsafe event.withUnsafeBytes { unsafe strict.receive($0, into: &output) }
    }
}
