internal import JSON
internal import OpenAIAPI

/// What stands behind the marks that an answer's text has for citations and pictures.
struct GrokCards: Sendable {
    private static let most = 2000
    /// Deep enough for what the application puts into a card, which is text within text.
    private static let limits = JSONLimits(depth: 32, bytes: 1 << 20, values: 1 << 14)

    private enum Card: Sendable {
        case citation(String)
        case picture(title: String, url: String)
    }

    private var cards: [String: Card] = [:]
    /// Pages in the order in which they were first cited.
    private var numbers: [String: Int] = [:]

    /// Takes a card, and gives back what it says of a picture that is made.
    mutating func take(_ json: JSONValue?) -> JSONValue? {
        guard let text = json?.string,
            let document = try? JSONDocument(parsing: Array(text.utf8), limits: Self.limits)
        else { return nil }
        let card = document.root
        if let chunk = card.present("image_chunk") { return chunk }
        guard let id = card["id"]?.string, cards.count < Self.most || cards[id] != nil else { return nil }
        let image = card.present("image")
        if let url = image?["original"]?.string ?? image?["thumbnail"]?.string {
            if Self.isPage(url) { cards[id] = .picture(title: Self.plain(image?["title"]?.string ?? ""), url: url) }
        } else if let url = card["url"]?.string, Self.isPage(url) {
            cards[id] = .citation(url)
        }
        return nil
    }

    /// What the mark for a card reads as.
    mutating func render(_ id: String) -> String {
        switch cards[id] {
        case .citation(let url):
            let number = numbers[url] ?? numbers.count + 1
            numbers[url] = number
            return "[\(number)](\(Self.escaped(url)))"
        case .picture(let title, let url): return "![\(title)](\(Self.escaped(url)))"
        case nil: return ""
        }
    }

    private static func isPage(_ url: String) -> Bool {
        (url.hasPrefix("https://") || url.hasPrefix("http://")) && url.utf8.count <= 4096
    }

    /// What would end the link in Markdown.
    private static func escaped(_ url: String) -> String {
        var result = ""
        for character in url {
            switch character {
            case "(": result += "%28"
            case ")": result += "%29"
            case _ where character.isWhitespace: result += "%20"
            default: result.append(character)
            }
        }
        return result
    }

    private static func plain(_ title: String) -> String {
        String(title.prefix(200).map { "[]\r\n".contains($0) ? " " : $0 })
    }
}
