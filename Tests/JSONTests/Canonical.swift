import JSON

/// One spelling for each value, so that two readers can be compared: keys sorted, of repeated keys the last, doubles as
/// their bits, whole numbers as digits.
enum Canonical {
    static func form(_ value: JSONValue) -> String? {
        switch value.kind {
        case .null: return "null"
        case .bool: return value.bool.map { $0 ? "true" : "false" }
        case .number: return number(value)
        case .string: return value.string.map(quoted)
        case .array:
            return "[" + value.elements.map { form($0) ?? "?" }.joined(separator: ",") + "]"
        case .object:
            var members: [String: String] = [:]
            for (key, value) in value.members {
                guard let name = key.string.map(quoted) else { return nil }
                members[name] = form(value) ?? "?"
            }
            // By scalars, as Python sorts; plain `<` would compare canonical equivalents.
            let sorted = members.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
            return "{" + sorted.map { "\($0.key):\($0.value)" }.joined(separator: ",") + "}"
        }
    }

    private static func number(_ value: JSONValue) -> String {
        if let number = value.int { return "\(number)" }
        let digits = String(decoding: value.raw, as: UTF8.self)
        if !digits.contains(where: { ".eE".contains($0) }) { return digits }
        return value.double.map { "d" + String($0.bitPattern, radix: 16) } ?? "infinite"
    }

    /// ASCII only, everything else by its number, so that no normalisation can blur a difference.
    private static func quoted(_ text: String) -> String {
        var form = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", " ": form.unicodeScalars.append(scalar)
            default: form += "<\(String(scalar.value, radix: 16))>"
            }
        }
        return form + "\""
    }
}
