internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the lines of a streamed answer, the last of which says that it is done.
struct OllamaStream: StreamTranslator {
    /// The largest line that is taken: all of a call's arguments come in one.
    private static let largestLine = 32 << 20

    private var reader = NDJSONReader(maximumLineBytes: largestLine)
    private var answer: OllamaStreamedAnswer
    /// What comes now is the rest of the stream: a line in it may be half of one.
    private var isFinishing = false

    init(for job: Job, created: Int, seed: UInt64) {
        answer = OllamaStreamedAnswer(for: job, created: created, seed: seed)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        unsafe reader.receive(bytes)
        do throws(StreamFramingError) {
            while output.end == nil, let line = try reader.next() { take(line, into: &output) }
        } catch {
            output.end = .failed(.garbled("a line is too long"))
        }
        reader.compact()
    }

    mutating func finish(into output: inout StreamOutput) {
        guard output.end == nil else { return }
        isFinishing = true
        while output.end == nil, let line = reader.finish() { take(line, into: &output) }
        if output.end == nil { output.end = .failed(.cut) }
    }

    private mutating func take(_ line: Range<Int>, into output: inout StreamOutput) {
        do throws(JSONError) {
            let object = try output.parser.parse(reader.bytes[line])
            output.count += 1
            if object.present("error") != nil {
                output.end = .failed(OllamaFailure.make(event: object))
            } else if object.isObject {
                answer.take(object, into: &output)
            } else {
                output.end = .failed(.garbled("a line is no object"))
            }
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }
}
