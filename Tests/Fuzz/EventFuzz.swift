import HTTPCodec

/// What a reader made of a stream, comparable.
private struct Outcome: Equatable {
    var parts: [[UInt8]] = []
    var error: StreamFramingError?
    var isCut = false
    var sawComment = false

    init(_ pieces: [ArraySlice<UInt8>], maximum: Int) {
        var reader = SSEReader(maximumEventBytes: maximum)
        do throws(StreamFramingError) {
            for piece in pieces {
                reader.receive(piece.span)
                while let frame = try reader.next() { note(frame, reader) }
                reader.compact()
            }
            isCut = reader.hasPartialEvent
            while let frame = reader.finish() { note(frame, reader) }
            precondition(!reader.hasPartialEvent, "a finished stream has more")
        } catch {
            self.error = error
        }
        sawComment = reader.sawComment
    }

    private mutating func note(_ frame: SSEFrame, _ reader: SSEReader) {
        let payload = reader.payload(of: frame)
        precondition(frame.data != nil || payload.contains(0x0A), "several data lines without a line feed")
        precondition(!payload.contains(0x0D), "a payload with a line end")
        for inner in [frame.data, frame.name].compactMap(\.self) {
            precondition(inner.lowerBound >= frame.range.lowerBound, "a part before its event")
            precondition(inner.upperBound <= frame.range.upperBound, "a part behind its event")
        }
        let plain = Array("data: ".utf8) + payload + [0x0A, 0x0A]
        precondition(frame.isPlain == reader.bytes[frame.range].elementsEqual(plain), "plain or not")
        parts.append(Array(payload))
        parts.append(frame.name.map { Array(reader.bytes[$0]) } ?? [])
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzEvents(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = unsafe FuzzInput(data, size)
    let texts = Outcome([input.bytes[...]], maximum: 1 << 20).parts.map { String(decoding: $0, as: UTF8.self) }
    let expected = referenceEvents(input.bytes).flatMap { [$0.data, $0.name] }
    guard texts == expected else { fatalError("read \(texts), the standard says \(expected)") }
    input.check { Outcome($0, maximum: 1 << 20) }
    input.check { Outcome($0, maximum: 24) }
    return 0
}
