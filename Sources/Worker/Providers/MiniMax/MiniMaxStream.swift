internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed answer, in any of the shapes that the vendor's endpoints have. `[DONE]` may be missing.
struct MiniMaxStream: StreamTranslator {
    private static let largestEvent = 32 << 20

    /// An error may come as a bare object.
    private var reader = SSEReader(maximumEventBytes: largestEvent, takesBareJSON: true)
    private var answer: MiniMaxStreamedAnswer
    /// What comes now is the rest of the stream: an event in it may be half of one.
    private var isFinishing = false

    init(for job: Job, created: Int) {
        answer = MiniMaxStreamedAnswer(for: job, created: created)
    }

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
        if output.end == nil { answer.finish(into: &output) }
    }

    private mutating func take(_ frame: SSEFrame, into output: inout StreamOutput) {
        let payload = reader.payload(of: frame)
        if payload.count >= 6, payload.prefix(6).equals("[DONE]") {
            answer.finish(into: &output)
            return
        }
        do throws(JSONError) {
            let chunk = try output.parser.parse(payload)
            output.count += 1
            if chunk.isObject {
                answer.take(chunk, into: &output)
            } else {
                output.end = .failed(.garbled("an event is no object"))
            }
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }
}
