/// Takes out of an answer's text the marks that mean something to the application's own page alone: citations and pictures
/// become Markdown, what it has made becomes code between fences, the use of tools disappears.
///
/// Marks come in pieces. What may be one is held back until it is whole, and given back as text when it does not become one.
struct GrokMarkup: Sendable {
    /// The most that is held back.
    private static let most = 10 << 10

    private enum Mark {
        /// `<` that begins nothing.
        case none
        case incomplete
        case card(end: Int, id: String)
        case dropped(end: Int)
        case artifact(end: Int, tag: Range<Int>)
        case artifactEnd(end: Int)
    }

    private static let card = Name("<grok:render", "</grok:render>")
    private static let tool = Name("<xai:tool_usage_card", "</xai:tool_usage_card>")
    private static let artifact = Name("<xaiartifact", "</xaiartifact>")

    private var held: [UInt8] = []
    private var fence: String?
    private var isAtLineStart = true
    /// The line break behind an opening mark belongs to the mark.
    private var skipsLineFeed = false
    private var lastCard: String?

    mutating func take(_ text: String, _ cards: inout GrokCards) -> String {
        let bytes = held + text.utf8
        held = []
        var out: [UInt8] = []
        var place = 0
        while place < bytes.count {
            guard let mark = bytes[place...].firstIndex(of: UInt8(ascii: "<")) else {
                say(bytes[place...], &out)
                break
            }
            say(bytes[place..<mark], &out)
            switch find(at: mark, in: bytes) {
            case .incomplete where bytes.count - mark <= Self.most:
                held = Array(bytes[mark...])
                return String(decoding: out, as: UTF8.self)
            case .none, .incomplete:
                say(bytes[mark...mark], &out)
                place = mark + 1
            case .card(let end, let id):
                // The same citation twice in a row says nothing more.
                if id != lastCard { say(Array(cards.render(id).utf8)[...], &out) }
                lastCard = id
                place = end
            case .dropped(let end): place = end
            case .artifact(let end, let tag):
                openFence(bytes[tag], &out)
                place = end
            case .artifactEnd(let end):
                closeFence(&out)
                place = end
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The end of the text: what was held back is no mark.
    mutating func finish() -> String {
        var out: [UInt8] = []
        say(held[...], &out)
        held = []
        if fence != nil { closeFence(&out) }
        return String(decoding: out, as: UTF8.self)
    }

    private mutating func say(_ bytes: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        var bytes = bytes
        if skipsLineFeed, let first = bytes.first {
            skipsLineFeed = false
            if first == UInt8(ascii: "\n") { bytes = bytes.dropFirst() }
        }
        guard let last = bytes.last else { return }
        out += bytes
        isAtLineStart = last == UInt8(ascii: "\n")
        lastCard = nil
    }

    private mutating func openFence(_ tag: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        let type = Self.attribute("contenttype", of: tag) ?? Self.attribute("content_type", of: tag) ?? ""
        let language = type.split(separator: "/").last.map(String.init) ?? ""
        let isPlain = language.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "`") }
        // Markdown has fences of its own within.
        let fence = language.hasSuffix("markdown") ? "````" : "```"
        let line = (isAtLineStart ? "" : "\n") + fence + (isPlain ? language.prefix(40) : "") + "\n"
        say(Array(line.utf8)[...], &out)
        self.fence = fence
        skipsLineFeed = true
    }

    private mutating func closeFence(_ out: inout [UInt8]) {
        skipsLineFeed = false
        let line = (isAtLineStart ? "" : "\n") + (fence ?? "```") + "\n"
        say(Array(line.utf8)[...], &out)
        fence = nil
    }

    // MARK: Finding marks

    private func find(at mark: Int, in bytes: [UInt8]) -> Mark {
        if fence != nil {
            switch Self.artifact.close.match(at: mark, in: bytes) {
            case .whole(let end): return .artifactEnd(end: end)
            case .part: return .incomplete
            case .no: return .none
            }
        }
        for name in [Self.card, Self.tool, Self.artifact] {
            switch name.open.match(at: mark, in: bytes) {
            case .no: continue
            case .part: return .incomplete
            case .whole(let end): return element(name, mark, end, bytes)
            }
        }
        return .none
    }

    private func element(_ name: Name, _ mark: Int, _ nameEnd: Int, _ bytes: [UInt8]) -> Mark {
        guard nameEnd < bytes.count else { return .incomplete }
        // A longer name is another one.
        guard [0x20, 0x09, 0x0A, 0x0D, 0x2F, 0x3E].contains(bytes[nameEnd]) else { return .none }
        guard let tagEnd = Self.endOfTag(nameEnd, bytes) else { return .incomplete }
        let tag = nameEnd..<tagEnd
        let isEmpty = bytes[tagEnd - 2] == UInt8(ascii: "/")
        if name.open == Self.artifact.open {
            return isEmpty ? .dropped(end: tagEnd) : .artifact(end: tagEnd, tag: tag)
        }
        var end: Int? = isEmpty ? tagEnd : nil
        var place = tagEnd
        while end == nil, let next = bytes[place...].firstIndex(of: UInt8(ascii: "<")) {
            if case .whole(let closed) = name.close.match(at: next, in: bytes) { end = closed }
            place = next + 1
        }
        guard let end else { return .incomplete }
        if name.open == Self.tool.open { return .dropped(end: end) }
        return .card(end: end, id: Self.attribute("card_id", of: bytes[tag]) ?? "")
    }

    /// Behind the `>` that ends the tag; there is at least one byte before it that belongs to the tag.
    private static func endOfTag(_ start: Int, _ bytes: [UInt8]) -> Int? {
        var isQuoted = false
        for place in start..<bytes.count {
            if bytes[place] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if bytes[place] == UInt8(ascii: ">"), !isQuoted { return place + 1 }
        }
        return nil
    }

    /// `name` in lower case.
    private static func attribute(_ name: String, of tag: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: tag, as: UTF8.self)
        guard let start = text.lowercased().firstRange(of: " \(name)=\"") else { return nil }
        // Lower case has as many characters wherever a tag is what it should be.
        let skipped = text.lowercased().distance(from: text.lowercased().startIndex, to: start.upperBound)
        return String(text.dropFirst(skipped).prefix { $0 != "\"" })
    }

    /// How an element begins and ends, in lower case.
    private struct Name: Sendable {
        let open: Word
        let close: Word

        init(_ open: String, _ close: String) {
            self.open = Word(bytes: Array(open.utf8))
            self.close = Word(bytes: Array(close.utf8))
        }
    }

    private struct Word: Sendable, Equatable {
        enum Match { case no, part, whole(end: Int) }

        let bytes: [UInt8]

        /// Whether the word stands there, in whatever case, or as much of it as there is room for.
        func match(at place: Int, in text: [UInt8]) -> Match {
            for (offset, byte) in bytes.enumerated() {
                guard place + offset < text.count else { return .part }
                let found = text[place + offset]
                let lower = (0x41...0x5A).contains(found) ? found | 0x20 : found
                guard lower == byte else { return .no }
            }
            return .whole(end: place + bytes.count)
        }
    }
}
