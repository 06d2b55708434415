internal import Core
internal import JSON

/// What a setting can be, and how its text is read.
package enum SettingKind: Sendable, Equatable {
    case int(ClosedRange<Int>)
    /// Seconds, decimals allowed.
    case seconds(ClosedRange<Double>)
    case bool
    case text(limit: Int)
    case json(limit: Int)
    case choice([String])

    /// For people and forms.
    package var name: String {
        switch self {
        case .int: "int"
        case .seconds: "seconds"
        case .bool: "bool"
        case .text: "text"
        case .json: "json"
        case .choice: "choice"
        }
    }

    /// What the setting takes, in words.
    package var range: String {
        switch self {
        case .int(let range): "a whole number from \(range.lowerBound) to \(range.upperBound)"
        case .seconds(let range): "seconds from \(range.lowerBound) to \(range.upperBound)"
        case .bool: "true or false"
        case .text(let limit): "text of up to \(limit) bytes"
        case .json(let limit): "JSON of up to \(limit) bytes"
        case .choice(let choices): "one of \(choices.joined(separator: ", "))"
        }
    }

    /// The value a text stands for; nothing when it does not fit.
    func value(of text: String) -> SettingValue? {
        switch self {
        case .int(let range):
            return Int(text).flatMap { range.contains($0) ? .int($0) : nil }
        case .seconds(let range):
            guard let seconds = Double(text), range.contains(seconds) else { return nil }
            return .seconds(.nanoseconds(Int64((seconds * 1e9).rounded())))
        case .bool:
            switch text.lowercased() {
            case "true", "1", "yes", "on": return .bool(true)
            case "false", "0", "no", "off": return .bool(false)
            default: return nil
            }
        case .text(let limit):
            return text.utf8.count <= limit ? .text(text) : nil
        case .json(let limit):
            guard text.utf8.count <= limit, (try? JSONDocument(parsing: Array(text.utf8))) != nil else { return nil }
            return .text(text)
        case .choice(let choices):
            let choice = text.lowercased()
            return choices.contains(choice) ? .text(choice) : nil
        }
    }
}

/// A setting's value, read and checked.
enum SettingValue: Sendable, Equatable {
    case int(Int)
    case seconds(Duration)
    case bool(Bool)
    case text(String)
}
