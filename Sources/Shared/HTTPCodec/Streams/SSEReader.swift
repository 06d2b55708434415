/// Cuts a server-sent event stream into events without copying payloads.
///
/// Understands LF, CRLF and CR line ends, mixed too, a byte order mark, comments and events cut at any byte. Every byte
/// is looked at once, however the stream was cut. Positions refer to `bytes` and hold until `receive` or `compact`.
@usableFromInline package struct SSEReader: Sendable {
    /// What is known of the event that has not ended yet.
    private struct Event: Sendable {
        var data: Range<Int>?
        var joined: [UInt8] = []
        var dataLines = 0
        var lines = 0
        var name: Range<Int>?
    }

    @usableFromInline private(set) var inbox = Inbox()
    private let maximumEventBytes: Int
    private let takesBareJSON: Bool
    private var lineFeeds = ByteFinder(.lf)
    private var carriageReturns = ByteFinder(.cr)
    private var event = Event()
    /// The events before this place are done; equals the inbox's start.
    private var eventStart: Int { inbox.start }
    private var lineStart = 0
    private var lastLineEndedInCRLF = false
    /// An event ended in a CR that was the last byte here: an LF that comes next belongs to it.
    private var skipsLineFeed = false
    private var isAtStreamStart = true
    private var isFinished = false
    private var hasFailed = false
    /// Whether a comment line has come, as upstreams send to keep a stream alive; the caller may reset it.
    package var sawComment = false

    /// `maximumEventBytes` bounds what one event, terminators apart, may make us hold. `takesBareJSON` is for servers that
    /// let an error into their streams as it is, over several lines and without a field's name: what begins like an object
    /// or an array is told as if it were data.
    package init(maximumEventBytes: Int, takesBareJSON: Bool = false) {
        self.maximumEventBytes = maximumEventBytes
        self.takesBareJSON = takesBareJSON
    }

    /// What frames refer to.
    @inlinable package var bytes: [UInt8] { inbox.storage }

    /// The payload of a frame just read.
    package func payload(of frame: SSEFrame) -> ArraySlice<UInt8> {
        if let data = frame.data { return inbox.storage[data] }
        return frame.joined[...]
    }

    /// Whether the stream stands inside an event; at its end that means it was cut.
    package var hasPartialEvent: Bool {
        if event.lines > 0 { return true }
        guard lineStart < inbox.storage.count else { return false }
        return inbox.storage[lineStart] != UInt8(ascii: ":")
    }

    /// Whether everything that came so far is read and whole events may be taken by other means, past this reader.
    package var isBetweenEvents: Bool {
        inbox.isEmpty && event.lines == 0 && !skipsLineFeed && !isAtStreamStart && !hasFailed
    }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !hasFailed else { return }
        compact()
        unsafe inbox.append(bytes)
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe receive($0) }
    }

    /// Lets go of events that were read, and of memory a burst left behind. Worth calling when a burst is through.
    package mutating func compact() {
        let shift = inbox.reclaim()
        guard shift > 0 else { return }
        lineStart -= shift
        lineFeeds.shift(by: shift)
        carriageReturns.shift(by: shift)
        event.data = event.data.map { $0.lowerBound - shift..<$0.upperBound - shift }
        event.name = event.name.map { $0.lowerBound - shift..<$0.upperBound - shift }
    }

    /// The next event with data, or nil until more bytes have come.
    package mutating func next() throws(StreamFramingError) -> SSEFrame? {
        guard !hasFailed else { throw .tooLarge }
        guard passStreamStart() else { return nil }
        if skipsLineFeed, lineStart < inbox.storage.count {
            if inbox.storage[lineStart] == .lf { skipLines(to: lineStart + 1) }
            skipsLineFeed = false
        }
        while let line = nextLine() {
            if line.content.isEmpty {
                // A CR that ends what came so far may be half of a CRLF. An event must not wait for bytes that may not
                // come, except where this stream has just shown that it ends lines in CRLF.
                let isOpen = line.end == inbox.storage.count && inbox.storage[line.end - 1] == .cr && !isFinished
                if isOpen, lastLineEndedInCRLF { return nil }
                skipsLineFeed = isOpen
                if let frame = endEvent(at: line.end) { return frame }
            } else {
                guard line.content.upperBound - eventStart <= maximumEventBytes else { throw fail() }
                note(line.content)
                lineStart = line.end
                lastLineEndedInCRLF = line.end - line.content.upperBound == 2
                // A comment between events is no part of the next one.
                if event.lines == 0 { skipLines(to: line.end) }
            }
        }
        // A CR at the end may be a line end, which does not count.
        let end = inbox.storage.count - (inbox.storage.last == .cr ? 1 : 0)
        guard end <= lineStart || end - eventStart <= maximumEventBytes else { throw fail() }
        return nil
    }

    /// The stream has ended: what an unfinished last event holds, as many servers forget its empty line. To be called
    /// until it returns nil; `hasPartialEvent`, asked before, tells whether the event was complete.
    package mutating func finish() -> SSEFrame? {
        isFinished = true
        if let frame = try? next() { return frame }
        guard !hasFailed else { return nil }
        let end = inbox.storage.count
        if lineStart < end { note(lineStart..<end) }
        return endEvent(at: end)
    }

    private mutating func fail() -> StreamFramingError {
        hasFailed = true
        inbox.removeAll()
        event = Event()
        lineStart = 0
        return .tooLarge
    }

    /// Passes over a byte order mark; false while one may be coming.
    private mutating func passStreamStart() -> Bool {
        guard isAtStreamStart else { return true }
        let mark: [3 of UInt8] = [0xEF, 0xBB, 0xBF]
        for place in 0..<3 {
            guard place < inbox.storage.count else {
                return isFinished
            }
            guard inbox.storage[place] == mark[place] else {
                isAtStreamStart = false
                return true
            }
        }
        isAtStreamStart = false
        skipLines(to: 3)
        return true
    }

    /// The next complete line: its content, and where the line after it begins. Does not move on.
    private mutating func nextLine() -> (content: Range<Int>, end: Int)? {
        let storage = inbox.storage
        let bytes = storage.span
        let lineFeed = lineFeeds.first(in: bytes, from: lineStart)
        let carriageReturn = carriageReturns.first(in: bytes, from: lineStart)
        if let carriageReturn, carriageReturn < lineFeed ?? .max {
            let next = carriageReturn + 1
            if lineFeed == next { return (lineStart..<carriageReturn, next + 1) }
            // Half of a CRLF perhaps; an empty line is told at once, see `next`.
            if next == bytes.count, carriageReturn > lineStart, !isFinished { return nil }
            return (lineStart..<carriageReturn, next)
        }
        return lineFeed.map { (lineStart..<$0, $0 + 1) }
    }

    /// Forgets whole lines in front of the next event.
    private mutating func skipLines(to place: Int) {
        inbox.consume(place - inbox.start)
        lineStart = place
    }

    /// Takes one line of the event in.
    private mutating func note(_ line: Range<Int>) {
        let storage = inbox.storage
        let bytes = storage.span
        let first = bytes[line.lowerBound]
        if first == UInt8(ascii: ":") {
            sawComment = true
            // Inside an event it still makes the event other than plain.
            if event.lines > 0 { event.lines += 1 }
            return
        }
        event.lines += 1
        if first == UInt8(ascii: "d"), let value = Self.value(bytes, line, "data") {
            event.dataLines += 1
            switch event.dataLines {
            case 1: event.data = value
            case 2:
                if let data = event.data { event.joined.append(contentsOf: inbox.storage[data]) }
                event.data = nil
                fallthrough
            default:
                event.joined.append(.lf)
                event.joined.append(contentsOf: inbox.storage[value])
            }
        } else if first == UInt8(ascii: "e"), let value = Self.value(bytes, line, "event") {
            event.name = value
        }
    }

    /// The value of `line` if its field has that name: behind the colon and one space, or empty without a colon.
    private static func value(_ bytes: Span<UInt8>, _ line: Range<Int>, _ name: StaticString) -> Range<Int>? {
        let nameEnd = line.lowerBound + name.utf8CodeUnitCount
        guard nameEnd <= line.upperBound, bytes.equals(line.lowerBound..<nameEnd, name) else { return nil }
        guard nameEnd < line.upperBound else { return nameEnd..<nameEnd }
        guard bytes[nameEnd] == UInt8(ascii: ":") else { return nil }
        let start = nameEnd + 1
        return start < line.upperBound && bytes[start] == .space ? start + 1..<line.upperBound : start..<line.upperBound
    }

    /// Closes the event at its empty line; nil if it held no data and is to be passed over.
    private mutating func endEvent(at end: Int) -> SSEFrame? {
        let start = eventStart
        defer {
            event = Event()
            lastLineEndedInCRLF = false
            skipLines(to: end)
        }
        guard event.dataLines > 0 else {
            guard takesBareJSON, event.lines > 0, [0x5B, 0x7B].contains(inbox.storage[start]) else { return nil }
            let text = Array(inbox.storage[start..<end])
            return SSEFrame(range: start..<end, data: nil, joined: text, name: nil, isPlain: false)
        }
        var isPlain = false
        if event.lines == 1, let data = event.data, data.lowerBound == start + 6, data.upperBound + 2 == end {
            isPlain = inbox.storage[end - 2] == .lf && inbox.storage[end - 1] == .lf
        }
        return SSEFrame(
            range: start..<end,
            data: event.data,
            joined: event.joined,
            name: event.name,
            isPlain: isPlain
        )
    }
}
