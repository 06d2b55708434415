internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed answer. Its end is the end of the body: there is no last event, and what the vendor
/// says of the answer's end it may say with every event.
struct GeminiStream: EventTranslator {
    /// The largest event that is taken; images come in single events.
    private static let largestEvent = 32 << 20

    var reader = SSEReader(maximumEventBytes: largestEvent, takesBareJSON: true)
    private var answer: GeminiStreamedAnswer

    init(for job: Job, created: Int, seed: UInt64) {
        answer = GeminiStreamedAnswer(for: job, created: created, seed: seed)
    }

    mutating func bodyEnded(into output: inout StreamOutput) { answer.finish(into: &output) }

    mutating func take(_ frame: SSEFrame, isLast: Bool, into output: inout StreamOutput) {
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
            output.end = .failed(isLast ? .cut : .garbled(error.description))
        }
    }
}
