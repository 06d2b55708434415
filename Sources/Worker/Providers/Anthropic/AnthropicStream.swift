internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed message: frames them, keeps the quick way for pieces of text, and tells when it is over.
struct AnthropicStream: StreamTranslator {
    /// The largest event that is taken.
    private static let largestEvent = 8 << 20

    private var reader = SSEReader(maximumEventBytes: largestEvent)
    private var message: AnthropicStreamedMessage
    private var shape = AnthropicDeltaShape()
    /// What comes now is the rest of the stream: an event in it may be half of one.
    private var isFinishing = false

    init(for job: Job, created: Int) {
        message = AnthropicStreamedMessage(for: job, created: created)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        let taken = reader.isBetweenEvents ? unsafe takePieces(of: bytes, into: &output) : 0
        guard taken < bytes.count else { return }
        unsafe reader.receive(UnsafeRawBufferPointer(rebasing: bytes[taken...]))
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
        // The vendor always says when a message is over.
        if output.end == nil { output.end = .failed(.cut) }
    }

    /// Passes on the pieces of text that `bytes` begins with, and returns how many bytes they are.
    private mutating func takePieces(of bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) -> Int {
        guard shape.isKnown else { return 0 }
        var place = 0
        while let event = unsafe shape.event(in: bytes, at: place) {
            let text = unsafe UnsafeRawBufferPointer(rebasing: bytes[event.text])
            unsafe message.piece(shape.kind, inside: text, into: &output)
            output.count += 1
            place = event.end
        }
        return place
    }

    private mutating func take(_ frame: SSEFrame, into output: inout StreamOutput) {
        do throws(JSONError) {
            let event = try output.parser.parse(reader.payload(of: frame))
            output.count += 1
            if let piece = message.take(event, into: &output) {
                learn(piece, frame)
            } else if event["type"]?.equals("content_block_start") == true {
                shape.forget()
            }
        } catch {
            output.end = .failed(isFinishing ? .cut : .garbled(error.description))
        }
    }

    private mutating func learn(_ piece: AnthropicStreamedMessage.Piece, _ frame: SSEFrame) {
        guard let data = frame.data, !shape.isKnown else { return }
        shape.learn(piece.kind, piece.text, payload: data, in: reader.bytes[frame.range])
    }
}
