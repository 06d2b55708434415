/// Gathers the header lines that libcurl hands over one by one into the final response's head.
struct HeadReader: Sendable {
    enum Step: Equatable {
        case incomplete
        /// The final head is whole.
        case complete
        case tooLarge
    }

    private(set) var head = UpstreamHead()
    private(set) var isComplete = false

    /// Takes one line with its line end. Whatever follows the final head (the trailers of a chunked body) is dropped.
    mutating func take(_ line: UnsafeRawBufferPointer, limit: Int) -> Step {
        guard !isComplete else { return .incomplete }
        let isStatusLine = unsafe line.starts(with: [72, 84, 84, 80, 47])
        if isStatusLine, head.lines.isEmpty {
            head.status = unsafe Self.status(in: line)
            head.lines.reserveCapacity(512)
            return .incomplete
        }
        if unsafe line.first == 13 || line.first == 10 {
            // An interim answer announces the real one.
            if head.status < 200, head.status != 101 {
                head = UpstreamHead()
                return .incomplete
            }
            isComplete = true
            return .complete
        }
        guard head.lines.count + line.count <= limit else { return .tooLarge }
        if unsafe line.first == 32 || line.first == 9 { head.unfoldLastLine() }
        unsafe head.lines.append(contentsOf: line)
        return .incomplete
    }

    mutating func takeHead() -> UpstreamHead {
        defer { head = UpstreamHead() }
        return head
    }

    mutating func reset() {
        head = UpstreamHead()
        isComplete = false
    }

    /// The number behind the first blank; libcurl has checked that there is one.
    private static func status(in line: UnsafeRawBufferPointer) -> Int {
        guard let blank = unsafe line.firstIndex(of: 32) else { return 0 }
        var status = 0
        var place = blank + 1
        while place < min(line.count, blank + 4), unsafe line[place] &- 48 < 10 {
            unsafe status = status * 10 + Int(line[place] - 48)
            place += 1
        }
        return status
    }
}

extension UpstreamHead {
    /// Takes the last line's end away, so that an (obsolete) continuation line becomes a part of it.
    fileprivate mutating func unfoldLastLine() {
        while let byte = lines.last, byte == 13 || byte == 10 { lines.removeLast() }
    }
}
