internal import JSON
internal import OpenAIAPI

/// Puts into lines what a model does besides thinking and speaking: searches, code it runs, what it says to others.
struct GrokSteps: Sendable {
    private static let longestXML = 10 << 10

    let labels: GrokLabels
    /// A card that comes in pieces.
    private var xml = ""
    private var progress: [Int: Int] = [:]

    init(_ labels: GrokLabels) {
        self.labels = labels
    }

    /// What a tool is used for; nothing while its card is not whole.
    mutating func use(_ frame: JSONValue) -> String? {
        if let card = frame.present("toolUsageCard") {
            for (key, value) in card.members where value.isObject {
                return line(key.string ?? "", value["args"], frame)
            }
        }
        xml += frame["token"]?.string ?? ""
        guard xml.contains("</xai:tool_usage_card>") || xml.utf8.count > Self.longestXML else { return nil }
        defer { xml = "" }
        guard let name = Self.content(of: "xai:tool_name", in: xml) else { return nil }
        let arguments = Self.content(of: "xai:tool_args", in: xml).map(Self.withoutCDATA)
        let document = arguments.flatMap { try? JSONDocument(parsing: Array($0.utf8)) }
        return line(String(name), document?.root, frame)
    }

    /// What a tool has brought.
    func result(_ frame: JSONValue) -> String? {
        let lists = ["webSearchResults", "xSearchResults", "connectorSearchResults", "collectionSearchResults"]
        for name in lists {
            guard let list = frame.member(named: name) else { continue }
            let results = list.isArray ? list : list["results"]
            if let results, results.isArray { return Self.prefix(frame) + "📄 " + labels.results(results.count) }
        }
        guard let run = frame.present("codeExecutionResult") else { return nil }
        let output = Self.trimmed(run["stdout"]?.string ?? "")
        if run["exitCode"]?.int ?? 0 == 0, run["commandTimedOut"]?.bool != true {
            let shown = output.isEmpty ? "" : ": " + Self.cut(output, 200)
            return Self.prefix(frame) + "✅ " + labels.codeRan + shown
        }
        let lines = Self.trimmed(run["stderr"]?.string ?? "").split(whereSeparator: \.isNewline)
        let last = lines.last.map { ": " + Self.cut(String($0), 200) } ?? ""
        return Self.prefix(frame) + "❌ " + labels.codeFailed + last
    }

    /// How far a picture has come, once for each percentage.
    mutating func picture(_ index: Int, _ percentage: Int) -> String? {
        guard progress[index] != percentage, progress.count < 100 || progress[index] != nil else { return nil }
        progress[index] = percentage
        return labels.picture(index + 1, percentage)
    }

    private func line(_ tool: String, _ arguments: JSONValue?, _ frame: JSONValue) -> String {
        func argument(_ name: StaticString) -> String { Self.trimmed(arguments?[name]?.string ?? "") }
        let name = tool.lowercased().filter { $0 != "_" }
        let said: String
        switch name {
        case _ where name.hasSuffix("search") && !argument("query").isEmpty:
            said = "🔍 \(labels.search): \(Self.cut(argument("query"), 500))"
        case "codeexecution":
            let lines = argument("code").split(whereSeparator: \.isNewline)
            let first = Self.cut(lines.first.map(String.init) ?? "", 200)
            said = "💻 \(labels.runsCode): \(first)" + (lines.count > 1 ? " ..." : "")
        case "browsepage": said = "🌐 \(labels.browses): \(Self.cut(argument("url"), 500))"
        case "chatroomsend":
            said = "💬 → \(Self.cut(argument("to"), 100)): \(Self.cut(argument("message"), 100))"
        default: said = "🔧 \(Self.cut(tool, 100))"
        }
        return Self.prefix(frame) + said
    }

    /// Who does it, where there are several.
    private static func prefix(_ frame: JSONValue) -> String {
        guard let name = frame["rolloutId"]?.string, !name.isEmpty else { return "" }
        return "[\(cut(name, 100))] "
    }

    private static func cut(_ text: String, _ most: Int) -> String {
        text.count > most ? text.prefix(most) + "..." : text
    }

    private static func trimmed(_ text: String) -> String {
        var rest = text[...].drop(while: \.isWhitespace)
        while let last = rest.last, last.isWhitespace { rest.removeLast() }
        return String(rest)
    }

    private static func content(of element: String, in xml: String) -> Substring? {
        guard let start = xml.firstRange(of: "<\(element)>"),
            let end = xml[start.upperBound...].firstRange(of: "</\(element)>")
        else { return nil }
        return xml[start.upperBound..<end.lowerBound]
    }

    private static func withoutCDATA(_ text: Substring) -> Substring {
        guard text.hasPrefix("<![CDATA["), text.hasSuffix("]]>") else { return text }
        return text.dropFirst(9).dropLast(3)
    }
}
