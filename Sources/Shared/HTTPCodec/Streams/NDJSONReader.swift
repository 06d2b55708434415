/// Cuts a stream of newline-delimited JSON into lines without copying them. Lines end in LF or CRLF, blank ones are
/// passed over. Positions refer to `bytes` and hold until `receive` or `compact`.
@usableFromInline package struct NDJSONReader: Sendable {
    @usableFromInline private(set) var inbox = Inbox()
    private let maximumLineBytes: Int
    private var lineFeeds = ByteFinder(.lf)
    private var hasFailed = false

    package init(maximumLineBytes: Int) {
        self.maximumLineBytes = maximumLineBytes
    }

    /// What ranges refer to.
    @inlinable package var bytes: [UInt8] { inbox.storage }

    /// Whether the stream stands inside a line.
    package var hasPartialLine: Bool { trimmed(inbox.start..<inbox.storage.count) != nil }

    package mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        guard !hasFailed else { return }
        compact()
        unsafe inbox.append(bytes)
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe receive($0) }
    }

    /// Lets go of lines that were read, and of memory a burst left behind.
    package mutating func compact() {
        lineFeeds.shift(by: inbox.reclaim())
    }

    /// The next line without its end and the blanks around it, or nil until more bytes have come.
    package mutating func next() throws(StreamFramingError) -> Range<Int>? {
        guard !hasFailed else { throw .tooLarge }
        let storage = inbox.storage
        while let lineFeed = lineFeeds.first(in: storage.span, from: inbox.start) {
            let line = inbox.start..<lineFeed
            guard line.count <= maximumLineBytes else { throw fail() }
            inbox.consume(line.count + 1)
            if let content = trimmed(line) { return content }
        }
        guard inbox.count <= maximumLineBytes else { throw fail() }
        return nil
    }

    /// The stream has ended: its last line, if it came without a line end. To be called until it returns nil.
    package mutating func finish() -> Range<Int>? {
        if let line = try? next() { return line }
        guard !hasFailed else { return nil }
        let rest = inbox.start..<inbox.storage.count
        inbox.consume(rest.count)
        return trimmed(rest)
    }

    private mutating func fail() -> StreamFramingError {
        hasFailed = true
        inbox.removeAll()
        return .tooLarge
    }

    /// Nil for a line of blanks.
    private func trimmed(_ line: Range<Int>) -> Range<Int>? {
        let bytes = inbox.storage.span
        var (start, end) = (line.lowerBound, line.upperBound)
        while start < end, bytes[start].isBlank || bytes[start] == .cr { start += 1 }
        while start < end, bytes[end - 1].isBlank || bytes[end - 1] == .cr { end -= 1 }
        return start < end ? start..<end : nil
    }
}
