internal import JSON

extension Engine {
    private static let longestText = 512

    /// Reads a record of the registry, or an entry of the configuration. Nil where it makes no sense: whoever can write to
    /// Redis decides where requests go, but not what the worker does with broken text.
    init?(_ value: JSONValue) {
        guard let url = Self.text(value["url"]), url.hasPrefix("http://") || url.hasPrefix("https://"),
            url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), let kind = Self.text(value["kind"]),
            let model = Self.text(value["model"]),
            let task = Task(rawValue: value["task"]?.string ?? "chat"),
            let state = State(rawValue: value["state"]?.string ?? "ready")
        else { return nil }
        self.init(
            url: url.hasSuffix("/") ? String(url.dropLast()) : url,
            kind: kind,
            model: model,
            served: Self.text(value["served"]),
            task: task,
            maxInFlight: min(max(1, value["max_in_flight"]?.int ?? 64), 100_000),
            keyName: Self.text(value["key"]) ?? "",
            state: state
        )
    }

    private static func text(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty, text.utf8.count <= longestText else { return nil }
        return text
    }

    init?(record: [UInt8]) {
        guard let document = try? JSONDocument(parsing: record) else { return nil }
        self.init(document.root)
    }

    /// Reads `ENGINES`, a list of such entries.
    package static func list(_ text: String) throws(EngineProblem) -> [Engine] {
        guard let document = try? JSONDocument(parsing: Array(text.utf8)), document.root.isArray else {
            throw EngineProblem(message: "ENGINES must be a JSON list")
        }
        var engines: [Engine] = []
        for (place, value) in document.root.elements.enumerated() {
            guard let engine = Engine(value) else {
                throw EngineProblem(
                    message:
                        "ENGINES: entry \(place + 1) needs 'url' (http://…), 'kind' and 'model', and 'task' is chat or embed"
                )
            }
            engines.append(engine)
        }
        return engines
    }

    /// Reads `ENGINE_KEYS`, an object from names to keys.
    package static func keys(_ text: String) throws(EngineProblem) -> [String: String] {
        guard let document = try? JSONDocument(parsing: Array(text.utf8)), document.root.isObject else {
            throw EngineProblem(message: "ENGINE_KEYS must be a JSON object")
        }
        var keys: [String: String] = [:]
        for (name, value) in document.root.members {
            guard let name = name.string, let key = value.string else {
                throw EngineProblem(message: "ENGINE_KEYS: every key must be a text")
            }
            keys[name] = key
        }
        return keys
    }
}

/// What is wrong with the operator's words about engines.
package struct EngineProblem: Error {
    package let message: String
}
