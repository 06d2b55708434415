/// Collects one request body, counted or chunked. Memory grows with the bytes that are there, never on a promise.
struct BodyCollector: Sendable {
    private enum State {
        case data(remaining: Int)
        case chunkSize
        case chunkData(remaining: Int)
        case chunkEnd
        case trailers
        case complete
    }

    private var state: State
    private var collected: [UInt8] = []
    private var lineFeeds = ByteFinder(.lf)
    /// Bytes of chunk extensions and trailers so far: they are thrown away, so they must not go on for ever.
    private var discarded = 0
    private var trailerCount = 0

    init(_ framing: RequestHead.Framing) {
        switch framing {
        case .none, .length(0): state = .complete
        case .length(let length): state = .data(remaining: length)
        case .chunked: state = .chunkSize
        }
    }

    var count: Int { collected.count }

    /// The whole body; the collector is of no use afterwards.
    mutating func takeIfComplete() -> [UInt8]? {
        guard case .complete = state else { return nil }
        defer { collected = [] }
        return collected
    }

    /// Reads on until the body is complete or the bytes are used up; returns how many are done with. The rest must be
    /// at the front of the next call's bytes.
    mutating func advance(_ bytes: Span<UInt8>, limits: HTTPLimits) throws(HTTPParseError) -> Int {
        var position = 0
        try advance(bytes, &position, limits)
        lineFeeds.shift(by: position)
        return position
    }

    private mutating func advance(
        _ bytes: Span<UInt8>,
        _ position: inout Int,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) {
        while true {
            switch state {
            case .data(let remaining):
                let rest = append(bytes, &position, remaining)
                state = rest == 0 ? .complete : .data(remaining: rest)
                if rest > 0 { return }
            case .chunkSize:
                guard let size = try readChunkSize(bytes, &position, limits) else { return }
                state = size == 0 ? .trailers : .chunkData(remaining: size)
            case .chunkData(let remaining):
                let rest = append(bytes, &position, remaining)
                state = rest == 0 ? .chunkEnd : .chunkData(remaining: rest)
                if rest > 0 { return }
            case .chunkEnd:
                if position < bytes.count, bytes[position] != .cr { throw .malformedChunkEnd }
                guard position + 1 < bytes.count else { return }
                guard bytes[position + 1] == .lf else { throw .malformedChunkEnd }
                position += 2
                state = .chunkSize
            case .trailers:
                guard try readTrailer(bytes, &position, limits) else { return }
            case .complete:
                return
            }
        }
    }

    /// Moves up to `wanted` bytes into the body and returns how many are still to come.
    private mutating func append(_ bytes: Span<UInt8>, _ position: inout Int, _ wanted: Int) -> Int {
        let taken = min(wanted, bytes.count - position)
        let range = position..<position + taken
        unsafe bytes.withUnsafeBufferPointer { all in
            unsafe collected.append(contentsOf: all[range])
        }
        position += taken
        return wanted - taken
    }

    /// `1*HEXDIG [; extension] CR LF`, nil while the line is not complete.
    private mutating func readChunkSize(
        _ bytes: Span<UInt8>,
        _ position: inout Int,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Int? {
        let lineFeed = lineFeeds.first(in: bytes, from: position)
        guard (lineFeed.map { $0 + 1 } ?? bytes.count) - position <= limits.chunkLineBytes else {
            throw .malformedChunkExtension
        }
        guard let lineFeed else { return nil }
        guard lineFeed > position, bytes[lineFeed - 1] == .cr else { throw .bareLineFeed }
        let end = lineFeed - 1
        var place = position
        var size: UInt64 = 0
        while place < end, let digit = bytes[place].hexadecimalValue {
            guard place - position < 16 else { throw .malformedChunkSize }
            size = size << 4 | UInt64(digit)
            place += 1
        }
        guard place > position else { throw .malformedChunkSize }
        if place < end {
            guard bytes[place] == UInt8(ascii: ";") else { throw .malformedChunkSize }
            for extra in place..<end where !bytes[extra].isVisible && !bytes[extra].isBlank {
                throw .malformedChunkExtension
            }
            try discard(end - place, limits)
        }
        guard size <= UInt64(limits.bodyBytes), Int(size) <= limits.bodyBytes - collected.count else {
            throw .bodyTooLarge
        }
        position = lineFeed + 1
        return Int(size)
    }

    /// Checks one trailer line, or ends the body at the empty one; false while the line is not complete.
    private mutating func readTrailer(
        _ bytes: Span<UInt8>,
        _ position: inout Int,
        _ limits: HTTPLimits
    ) throws(HTTPParseError) -> Bool {
        let lineFeed = lineFeeds.first(in: bytes, from: position)
        guard (lineFeed.map { $0 + 1 } ?? bytes.count) - position <= limits.headBytes - discarded + 2 else {
            throw .framingTooLarge
        }
        guard let lineFeed else { return false }
        guard lineFeed > position, bytes[lineFeed - 1] == .cr else { throw .bareLineFeed }
        let content = position..<lineFeed - 1
        position = lineFeed + 1
        if content.isEmpty {
            state = .complete
            return true
        }
        guard trailerCount < limits.headerCount else { throw .tooManyFields }
        trailerCount += 1
        let name = try FieldLine(bytes, content).name.range
        if bytes.equalsIgnoringCase(name, "content-length") || bytes.equalsIgnoringCase(name, "transfer-encoding")
            || bytes.equalsIgnoringCase(name, "host")
        {
            throw .forbiddenTrailer
        }
        try discard(content.count, limits)
        return true
    }

    private mutating func discard(_ count: Int, _ limits: HTTPLimits) throws(HTTPParseError) {
        discarded += count
        guard discarded <= limits.headBytes else { throw .framingTooLarge }
    }
}
