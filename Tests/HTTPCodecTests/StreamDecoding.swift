import Core
import HTTPCodec
import Testing

/// What a reader made of a stream, comparable.
struct DecodedStream: Equatable {
    var events: [DecodedEvent] = []
    var plain: [Bool] = []
    /// Whether the stream ended inside an event.
    var isCut = false
    var error: StreamFramingError?
    var sawComment = false

    init(_ pieces: [ArraySlice<UInt8>], maximum: Int = 1 << 20) {
        var reader = SSEReader(maximumEventBytes: maximum)
        do throws(StreamFramingError) {
            for piece in pieces {
                reader.receive(piece.span)
                while let frame = try reader.next() { note(frame, reader) }
            }
            isCut = reader.hasPartialEvent
            while let frame = reader.finish() { note(frame, reader) }
        } catch {
            self.error = error
        }
        sawComment = reader.sawComment
    }

    private mutating func note(_ frame: SSEFrame, _ reader: SSEReader) {
        let name = frame.name.map { reader.bytes[$0].text } ?? ""
        events.append(DecodedEvent(name: name, data: reader.payload(of: frame).text))
        plain.append(frame.isPlain)
        let raw = reader.bytes[frame.range]
        #expect(frame.isPlain == (raw.elementsEqual("data: \(reader.payload(of: frame).text)\n\n".utf8)))
        if let data = frame.data {
            #expect(data.lowerBound >= frame.range.lowerBound && data.upperBound <= frame.range.upperBound)
        }
    }
}

/// The lines a reader made of a stream, comparable.
struct DecodedLines: Equatable {
    var lines: [String] = []
    var isCut = false
    var error: StreamFramingError?

    init(_ pieces: [ArraySlice<UInt8>], maximum: Int = 1 << 20) {
        var reader = NDJSONReader(maximumLineBytes: maximum)
        do throws(StreamFramingError) {
            for piece in pieces {
                reader.receive(piece.span)
                while let line = try reader.next() { lines.append(reader.bytes[line].text) }
            }
            isCut = reader.hasPartialLine
            while let line = reader.finish() { lines.append(reader.bytes[line].text) }
        } catch {
            self.error = error
        }
    }
}
