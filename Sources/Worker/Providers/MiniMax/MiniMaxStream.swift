internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed answer, in any of the shapes that the vendor's endpoints have. `[DONE]` may be missing.
struct MiniMaxStream: EventTranslator {
    private static let largestEvent = 32 << 20

    /// An error may come as a bare object.
    var reader = SSEReader(maximumEventBytes: largestEvent, takesBareJSON: true)
    private var answer: MiniMaxStreamedAnswer

    init(for job: Job, created: Int) {
        answer = MiniMaxStreamedAnswer(for: job, created: created)
    }

    mutating func bodyEnded(into output: inout StreamOutput) { answer.finish(into: &output) }

    mutating func take(_ frame: SSEFrame, isLast: Bool, into output: inout StreamOutput) {
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
            output.end = .failed(isLast ? .cut : .garbled(error.description))
        }
    }
}
