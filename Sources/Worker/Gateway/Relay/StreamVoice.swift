import Core
import Dialects
import EventLoop
import JSON

/// Says a stream's events in the dialect of its client. Only what leaves for the client passes through it: what is held, and
/// may yet be another upstream's to say, is still in the canonical words.
@LoopActor
final class StreamVoice {
    /// Of all voices: what it has parsed is looked at and forgotten. Not the translators', which are in use meanwhile.
    private static let parser = JSONParser()

    private var writer: any DialectStreamWriter

    init(_ writer: any DialectStreamWriter) {
        self.writer = writer
    }

    /// Puts what the events say in the place of the events.
    func say(_ events: inout ByteBuffer) {
        guard !events.isEmpty else { return }
        var said = ByteBuffer()
        writer.receive(events.readable, parser: Self.parser, into: &said)
        events = said
    }

    func keepAlive(into output: inout ByteBuffer) { writer.keepAlive(into: &output) }

    func end(into output: inout ByteBuffer) { writer.end(into: &output) }

    func fail(_ error: GatewayError, requestID: String, into output: inout ByteBuffer) {
        writer.fail(error, requestID: requestID, into: &output)
    }

    var wholeAnswer: [UInt8]? { writer.wholeAnswer }
}
