internal import Core
internal import JSON

/// What the marks in a turn's texts point to, and the numbers that the client sees in their place.
struct CitedSources: Sendable {
    struct Source: Sendable, Equatable {
        var url: String
        var title: String
    }

    private static let most = 2000
    private static let mostOfMark = 3
    static let open: Unicode.Scalar = "\u{E200}"
    static let close: Unicode.Scalar = "\u{E201}"
    static let next: Unicode.Scalar = "\u{E202}"

    /// What searches of this turn have found, by names like `turn0search1`.
    private var found: [String: Source] = [:]
    private var numbers: [String: Int] = [:]

    /// Takes in what a message has found.
    mutating func learn(_ metadata: JSONTree) {
        guard let groups = metadata["search_result_groups"]?.elements else { return }
        for group in groups {
            for entry in group["entries"]?.elements ?? [] where found.count < Self.most {
                guard let name = Self.name(entry["ref_id"]), let source = Self.source(entry) else { continue }
                found[name] = source
            }
        }
    }

    /// What the client reads in place of a mark of the present kind, which is whole: nothing while that is not known.
    mutating func reading(of mark: String, _ metadata: JSONTree) -> String? {
        let inside = mark.unicodeScalars.dropFirst().dropLast()
        let parts = inside.split(separator: Self.next, omittingEmptySubsequences: false).map { String($0) }
        let kind = parts.first ?? ""
        if kind == "entity", parts.count > 1 { return Self.entityName(parts[1]) ?? "" }
        if kind == "url", let url = parts.first(where: Self.isAddress) {
            let title = parts.count > 2 ? parts[1] : ""
            return "[\(title.isEmpty ? url : title)](\(Self.clean(url)))"
        }
        for reference in metadata["content_references"]?.elements ?? [] where reference["matched_text"]?.string == mark
        {
            if let reading = reading(of: reference) { return reading }
        }
        guard kind == "cite" else { return nil }
        learn(metadata)
        let sources = parts.dropFirst().compactMap { found[$0] }
        return sources.isEmpty ? nil : links(sources)
    }

    /// The same for a mark of the earlier kind, which stands at a place in the text, counted in characters' code points.
    mutating func reading(at place: Int, of mark: String, _ metadata: JSONTree) -> String? {
        let citations = metadata["citations"]?.elements ?? []
        let cited = citations.first { citation in
            guard let start = citation["start_ix"]?.int, let end = citation["end_ix"]?.int else { return false }
            return start <= place && place < max(end, start + 1)
        }
        guard let source = cited.flatMap({ $0["metadata"] }).flatMap(Self.source) else { return nil }
        return links([source])
    }

    private mutating func reading(of reference: JSONTree) -> String? {
        let items = (reference["items"]?.elements ?? []) + (reference["fallback_items"]?.elements ?? [])
        var sources = items.compactMap(Self.source)
        if sources.isEmpty {
            sources = (reference["refs"]?.elements ?? []).compactMap { Self.name($0) }.compactMap { found[$0] }
        }
        if !sources.isEmpty { return links(sources) }
        // Words in place of the mark, where there are any.
        guard let words = reference["alt"]?.string, !words.isEmpty else { return nil }
        return words
    }

    private mutating func links(_ sources: [Source]) -> String {
        sources.prefix(Self.mostOfMark).map { source in
            let number = numbers[source.url] ?? numbers.count + 1
            numbers[source.url] = number
            return "[[\(number)]](\(source.url))"
        }.joined(separator: " ")
    }

    private static func source(_ tree: JSONTree) -> Source? {
        guard let url = tree["url"]?.string, isAddress(url) else { return nil }
        return Source(url: clean(url), title: tree["title"]?.string ?? "")
    }

    private static func isAddress(_ text: String) -> Bool { text.hasPrefix("https://") || text.hasPrefix("http://") }

    private static func name(_ reference: JSONTree?) -> String? {
        guard let reference, let turn = reference["turn_index"]?.int, let kind = reference["ref_type"]?.string,
            let place = reference["ref_index"]?.int
        else { return nil }
        return "turn\(turn)\(kind)\(place)"
    }

    /// `["person","Ada Lovelace",…]`
    private static func entityName(_ text: String) -> String? {
        (try? JSONDocument(parsing: Array(text.utf8)))?.root[1]?.string
    }

    /// Without what says where the reader came from, and fit to stand in brackets.
    static func clean(_ url: String) -> String {
        let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let halves = parts[0].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var result = String(halves[0])
        if halves.count == 2 {
            let kept = halves[1].split(separator: "&").filter { !$0.hasPrefix("utm_source=") }
            if !kept.isEmpty { result += "?" + kept.joined(separator: "&") }
        }
        if parts.count == 2 { result += "#" + parts[1] }
        return result.flatMapScalars { $0 == "(" ? "%28" : $0 == ")" ? "%29" : $0 == " " ? "%20" : nil }
    }
}

extension String {
    fileprivate func flatMapScalars(_ replacement: (Unicode.Scalar) -> String?) -> String {
        var result = ""
        for scalar in unicodeScalars {
            if let replaced = replacement(scalar) {
                result += replaced
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
