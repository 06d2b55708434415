/// The ids of tool calls within one request: the vendor takes letters, digits, `-` and `_` only and wants them unique,
/// while a history may come from another vendor, or from the old functions, whose calls had no ids.
struct AnthropicCallIDs {
    private var current: [String: String] = [:]
    private var used: Set<String> = []
    /// How often a plain id was wanted: a history of a million equal ones must not be searched a million times.
    private var counts: [String: Int] = [:]

    /// A new call's id for the vendor.
    mutating func issue(_ id: String) -> String {
        let plain = Self.plain(id)
        var unique = plain
        var count = counts[plain] ?? 1
        while !used.insert(unique).inserted {
            count += 1
            unique = "\(plain)_\(count)"
        }
        counts[plain] = count
        current[id] = unique
        return unique
    }

    /// The id of the latest call that the client knows by this one.
    func id(for id: String) -> String { current[id] ?? Self.plain(id) }

    private static func plain(_ id: String) -> String {
        let plain = id.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                byte
            default: UInt8(ascii: "_")
            }
        }
        return plain.isEmpty ? "call" : String(decoding: plain, as: UTF8.self)
    }
}
