internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed answer. Its end is the end of the body: there is no last event, and what the vendor
/// says of the answer's end it may say with every event.
struct GeminiStream: StreamTranslator {
    /// The largest event that is taken; images come in single events.
    private static let largestEvent = 32 << 20

    private var reader = SSEReader(maximumEventBytes: largestEvent, takesBareJSON: true)
    private var answer: GeminiStreamedAnswer
    /// What comes now is the rest of the stream: an event in it may be half of one.
    private var isFinishing = false

    init(for job: Job, created: Int, seed: UInt64) {
        answer = GeminiStreamedAnswer(for: job, created: created, seed: seed)
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
        // A last event without its blank line is still one.
        while output.end == nil, let frame = reader.finish() { take(frame, into: &output) }
        if output.end == nil { answer.finish(into: &output) }
    }

    private mutating func take(_ frame: SSEFrame, into output: inout StreamOutput) {
        do throws(JSONError) {
            let event = try output.parser.parse(reader.payload(of: frame))
            output.count += 1
            if let error = GeminiFailure.body(of: event) {
                output.end = .failed(GeminiFailure.make(event: error))
            } else if event.isObject {
                answer.take(event, into: &output)
            } else {
                output.end = .failed(.garbled("an event is no object"))
            }
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }
}
