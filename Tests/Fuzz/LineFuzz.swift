import HTTPCodec

/// What a reader made of a stream, comparable.
private struct Outcome: Equatable {
    var lines: [[UInt8]] = []
    var error: StreamFramingError?
    var isCut = false

    init(_ pieces: [ArraySlice<UInt8>], maximum: Int) {
        var reader = NDJSONReader(maximumLineBytes: maximum)
        do throws(StreamFramingError) {
            for piece in pieces {
                reader.receive(piece.span)
                while let line = try reader.next() { note(line, reader) }
                reader.compact()
            }
            isCut = reader.hasPartialLine
            while let line = reader.finish() { note(line, reader) }
        } catch {
            self.error = error
        }
    }

    private mutating func note(_ line: Range<Int>, _ reader: NDJSONReader) {
        precondition(!line.isEmpty && !reader.bytes[line].contains(0x0A), "an empty line or two")
        lines.append(Array(reader.bytes[line]))
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzLines(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = unsafe FuzzInput(data, size)
    // A media type is as small a text as a line; it rides along.
    _ = MediaType(input.bytes[...])
    input.check { Outcome($0, maximum: 1 << 20) }
    input.check { Outcome($0, maximum: 12) }
    return 0
}
