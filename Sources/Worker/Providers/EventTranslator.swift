internal import Core
internal import HTTPCodec

/// A translator of server-sent events, one at a time: the framing, which is the same for all vendors, is done here.
protocol EventTranslator: StreamTranslator {
    var reader: SSEReader { get set }

    /// Takes one event; `isLast` says that the body has ended, so that it may be half of one.
    mutating func take(_ frame: SSEFrame, isLast: Bool, into output: inout StreamOutput)
    /// The body has ended after the last event, and none of them has ended the stream.
    mutating func bodyEnded(into output: inout StreamOutput)
}

extension EventTranslator {
    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        unsafe receiveEvents(bytes, into: &output)
    }

    /// What `receive` does, for those who do something beside it.
    mutating func receiveEvents(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput) {
        guard output.end == nil else { return }
        unsafe reader.receive(bytes)
        do throws(StreamFramingError) {
            while output.end == nil, let frame = try reader.next() { take(frame, isLast: false, into: &output) }
        } catch {
            output.end = .failed(.garbled("an event is too long"))
        }
        reader.compact()
    }

    mutating func finish(into output: inout StreamOutput) {
        finishEvents(into: &output)
    }

    /// What `finish` does, for those who do something beside it.
    mutating func finishEvents(into output: inout StreamOutput) {
        guard output.end == nil else { return }
        // A last event without its blank line is still one.
        while output.end == nil, let frame = reader.finish() { take(frame, isLast: true, into: &output) }
        if output.end == nil { bodyEnded(into: &output) }
    }
}
