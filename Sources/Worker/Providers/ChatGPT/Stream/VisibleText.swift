/// The text of one message on its way to the client: without the site's own marks, which become links or nothing, and
/// without addresses that only the site knows. What may yet become a mark is held back.
struct VisibleText: Sendable {
    /// How far a mark that is not yet known may hold up what comes after it.
    private static let patience = 2000
    private static let longestMark = 4096
    private static let longestOldMark = 80
    private static let longestLink = 600
    private static let mostMissed = 50

    /// How many bytes of the message's text have been taken.
    private(set) var taken = 0
    /// Files of the site's own computer that the text has named.
    private(set) var sandboxFiles: [SandboxFile] = []
    /// Whether links to such files are taken out of the text.
    private let takesFiles: Bool
    private var held = ""
    private var lastScalar: Unicode.Scalar?
    /// Code points before what is held.
    private var place = 0
    /// Marks that were passed over, as nothing was known of them yet.
    private var missed: [String] = []

    struct SandboxFile: Sendable, Equatable {
        var title: String
        var path: String
    }

    init(takesFiles: Bool) { self.takesFiles = takesFiles }

    /// Takes what is new of the whole text, and returns what the client may see of it now.
    mutating func take(
        _ whole: String,
        isLast: Bool,
        _ sources: inout CitedSources,
        _ metadata: JSONTree
    ) -> String {
        let bytes = whole.utf8
        if bytes.count > taken {
            var news = String(decoding: bytes[bytes.index(bytes.startIndex, offsetBy: taken)...], as: UTF8.self)
            // Half a character, whose other half comes with the next event.
            if !isLast, news.unicodeScalars.last == "\u{FFFD}" { news.unicodeScalars.removeLast() }
            taken += news.utf8.count
            held += news
        }
        guard !held.isEmpty else { return "" }
        var output = ""
        if held.utf8.contains(where: Self.isSuspicious) {
            scan(isLast, &sources, metadata, into: &output)
        } else {
            place += held.unicodeScalars.count
            output = held
            held = ""
        }
        if let last = output.unicodeScalars.last { lastScalar = last }
        return output
    }

    /// Links for the marks that nothing was known of when they came.
    mutating func takeMissed(_ sources: inout CitedSources, _ metadata: JSONTree) -> [String] {
        defer { missed = [] }
        return missed.compactMap { sources.reading(of: $0, metadata) }.filter { $0.hasPrefix("[[") }
    }

    /// The first bytes of `[`, `【` and the marks.
    private static func isSuspicious(_ byte: UInt8) -> Bool { byte == 0x5B || byte == 0xE3 || byte == 0xEE }

    private mutating func scan(
        _ isLast: Bool,
        _ sources: inout CitedSources,
        _ metadata: JSONTree,
        into output: inout String
    ) {
        var rest = held.unicodeScalars[...]
        scanning: while let first = rest.first {
            switch first {
            case CitedSources.open:
                switch mark(&rest, isLast, &sources, metadata, &output) {
                case .wait: break scanning
                case .goOn: break
                }
            case "【":
                switch oldMark(&rest, isLast, &sources, metadata, &output) {
                case .wait: break scanning
                case .goOn: break
                }
            case "[" where takesFiles:
                switch link(&rest, isLast, &output) {
                case .wait: break scanning
                case .goOn: break
                }
            // Marks without their beginning.
            case "\u{E201}"..."\u{E206}": pass(&rest, 1)
            default:
                let plain = rest.prefix {
                    $0 != CitedSources.open && $0 != "【" && !($0 == "[" && takesFiles)
                        && !("\u{E201}"..."\u{E206}" ~= $0)
                }
                output.unicodeScalars.append(contentsOf: plain)
                place += plain.count
                rest = rest[plain.endIndex...]
            }
        }
        held = String(rest)
    }

    private enum Verdict { case goOn, wait }

    private mutating func pass(_ rest: inout Substring.UnicodeScalarView, _ count: Int) {
        place += count
        rest = rest.dropFirst(count)
    }

    private mutating func mark(
        _ rest: inout Substring.UnicodeScalarView,
        _ isLast: Bool,
        _ sources: inout CitedSources,
        _ metadata: JSONTree,
        _ output: inout String
    ) -> Verdict {
        guard let end = rest.firstIndex(of: CitedSources.close) else {
            if !isLast, rest.count <= Self.longestMark { return .wait }
            // Nobody ends it any more.
            pass(&rest, isLast ? rest.count : 1)
            return .goOn
        }
        let mark = String(rest[...end])
        if let reading = sources.reading(of: mark, metadata) {
            append(reading, to: &output)
        } else {
            if !isLast, rest.count <= Self.patience { return .wait }
            if missed.count < Self.mostMissed { missed.append(mark) }
        }
        pass(&rest, mark.unicodeScalars.count)
        return .goOn
    }

    private mutating func oldMark(
        _ rest: inout Substring.UnicodeScalarView,
        _ isLast: Bool,
        _ sources: inout CitedSources,
        _ metadata: JSONTree,
        _ output: inout String
    ) -> Verdict {
        let start = rest.prefix(Self.longestOldMark)
        guard let end = start.firstIndex(of: "】") else {
            if !isLast, start.count < Self.longestOldMark { return .wait }
            output.unicodeScalars.append("【")
            pass(&rest, 1)
            return .goOn
        }
        let mark = rest[...end]
        // Number, dagger, name: anything else is just text in brackets of that kind.
        if mark.dropFirst().first.map({ ("0"..."9").contains($0) }) == true, mark.contains("†") {
            if let reading = sources.reading(at: place, of: String(mark), metadata) {
                append(reading, to: &output)
            } else if !isLast, rest.count <= Self.patience {
                return .wait
            }
        } else {
            output.unicodeScalars.append(contentsOf: mark)
        }
        pass(&rest, mark.count)
        return .goOn
    }

    /// `[title](sandbox:/mnt/data/file)` becomes its title; the file follows the text.
    private mutating func link(
        _ rest: inout Substring.UnicodeScalarView,
        _ isLast: Bool,
        _ output: inout String
    ) -> Verdict {
        let start = rest.prefix(Self.longestLink)
        let isOpen = !isLast && start.count < Self.longestLink
        func plain(_ count: Int) -> Verdict {
            output.unicodeScalars.append(contentsOf: rest.prefix(count))
            pass(&rest, count)
            return .goOn
        }
        guard let end = start.firstIndex(where: { $0 == "]" || $0 == "\n" }) else { return isOpen ? .wait : plain(1) }
        guard start[end] == "]" else { return plain(1) }
        let behind = start[start.index(after: end)...]
        let beginning = "(sandbox:".unicodeScalars
        guard behind.starts(with: beginning) else {
            let mayBecome = behind.count < beginning.count && beginning.starts(with: behind)
            return mayBecome && isOpen ? .wait : plain(1)
        }
        let target = behind.dropFirst(beginning.count)
        guard let close = target.firstIndex(where: { $0 == ")" || $0 == "\n" }) else {
            return isOpen ? .wait : plain(1)
        }
        guard target[close] == ")" else { return plain(1) }
        let title = String(start[start.index(after: start.startIndex)..<end])
        let file = SandboxFile(title: title, path: String(target[..<close]))
        if !sandboxFiles.contains(file), sandboxFiles.count < Self.mostMissed { sandboxFiles.append(file) }
        output += title
        pass(&rest, rest.distance(from: rest.startIndex, to: close) + 1)
        return .goOn
    }

    /// A link stands apart from the word before it.
    private func append(_ reading: String, to output: inout String) {
        guard !reading.isEmpty else { return }
        let before = output.unicodeScalars.last ?? lastScalar
        if reading.hasPrefix("[["), let before, !before.properties.isWhitespace { output += " " }
        output += reading
    }
}
