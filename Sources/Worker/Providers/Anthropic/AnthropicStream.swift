internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// Reads the events of a streamed message: frames them, keeps the quick way for pieces of text, and tells when it is over.
struct AnthropicStream: EventTranslator {
    /// The largest event that is taken.
    private static let largestEvent = 8 << 20

    var reader = SSEReader(maximumEventBytes: largestEvent)
    private var message: AnthropicStreamedMessage
    private var shape = AnthropicDeltaShape()

    init(for job: Job, created: Int) {
        message = AnthropicStreamedMessage(for: job, created: created)
    }

    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        let taken = reader.isBetweenEvents ? unsafe takePieces(of: bytes, into: &output) : 0
        guard taken < bytes.count else { return }
        unsafe receiveEvents(UnsafeRawBufferPointer(rebasing: bytes[taken...]), into: &output)
    }

    /// The vendor always says when a message is over.
    mutating func bodyEnded(into output: inout StreamOutput) { output.end = .failed(.cut) }

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

    mutating func take(_ frame: SSEFrame, isLast: Bool, into output: inout StreamOutput) {
        do throws(JSONError) {
            let event = try output.parser.parse(reader.payload(of: frame))
            output.count += 1
            if let piece = message.take(event, into: &output) {
                learn(piece, frame)
            } else if event["type"]?.equals("content_block_start") == true {
                shape.forget()
            }
        } catch {
            output.end = .failed(isLast ? .cut : .garbled(error.description))
        }
    }

    private mutating func learn(_ piece: AnthropicStreamedMessage.Piece, _ frame: SSEFrame) {
        guard let data = frame.data, !shape.isKnown else { return }
        shape.learn(piece.kind, piece.text, payload: data, in: reader.bytes[frame.range])
    }
}
