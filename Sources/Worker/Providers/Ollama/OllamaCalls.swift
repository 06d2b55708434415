internal import Core
internal import JSON
internal import OpenAIAPI

/// Reads the calls of one answer. They come whole, without an id from older servers and with an index that is missing or
/// repeated as often as not, so both are the gateway's own where need be.
struct OllamaCalls {
    struct Call {
        let id: String
        let name: String
        /// A JSON object's text.
        let arguments: String
    }

    /// No model calls more at once; a broken one may never stop.
    private static let most = 4096

    private let seed: UInt64
    private var used: Set<String> = []
    private(set) var count = 0

    init(seed: UInt64) { self.seed = seed }

    /// Nil for what is no call.
    mutating func call(_ value: JSONValue) -> Call? {
        guard count < Self.most, let function = value["function"], let name = function["name"]?.string, !name.isEmpty
        else { return nil }
        let given = value["id"]?.string ?? ""
        var id = given
        if given.isEmpty || given.utf8.count > 128 || used.contains(given) {
            id = "call_\(String(seed, radix: 16))_\(count)"
        }
        used.insert(id)
        count += 1
        return Call(id: id, name: name, arguments: Self.arguments(function.present("arguments")))
    }

    private static func arguments(_ value: JSONValue?) -> String {
        guard let value else { return "{}" }
        if value.isObject { return String(decoding: value.raw, as: UTF8.self) }
        // A few servers in between send them as a string already.
        guard let text = value.string, let document = try? JSONDocument(parsing: Array(text.utf8)),
            document.root.isObject
        else { return "{}" }
        return text
    }
}
