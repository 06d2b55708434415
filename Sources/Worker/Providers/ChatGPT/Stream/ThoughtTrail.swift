/// How much of a message's thoughts the client has seen: each has a heading and a text, and both may grow.
struct ThoughtTrail: Sendable {
    private struct Seen: Sendable {
        var hasHeading = false
        var bytes = 0
    }

    private static let most = 1000
    private var seen: [Seen] = []

    /// What is new of them.
    mutating func take(_ thoughts: [JSONTree], isLast: Bool) -> String {
        var news = ""
        for (place, thought) in thoughts.prefix(Self.most).enumerated() {
            if place == seen.count { seen.append(Seen()) }
            let text = thought["content"]?.string ?? ""
            // A heading is complete when its text has begun, or the thought has ended.
            let isClosed = isLast || thought["finished"]?.bool == true || place + 1 < thoughts.count
            if !seen[place].hasHeading, !text.isEmpty || isClosed {
                seen[place].hasHeading = true
                if place > 0 { news += "\n\n" }
                let heading = thought["summary"]?.string ?? ""
                if !heading.isEmpty { news += text.isEmpty && isClosed ? "**\(heading)**" : "**\(heading)**\n\n" }
            }
            news += TextTail.take(text, after: &seen[place].bytes, isLast: isClosed)
        }
        return news
    }
}

/// The part of a growing text that has not been seen.
enum TextTail {
    static func take(_ text: String, after seen: inout Int, isLast: Bool) -> String {
        let bytes = text.utf8
        guard bytes.count > seen else { return "" }
        var news = String(decoding: bytes[bytes.index(bytes.startIndex, offsetBy: seen)...], as: UTF8.self)
        // Half a character, whose other half comes with the next event.
        if !isLast, news.unicodeScalars.last == "\u{FFFD}" { news.unicodeScalars.removeLast() }
        seen += news.utf8.count
        return news
    }
}
