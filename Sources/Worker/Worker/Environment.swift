import Core
import Glibc

/// What is wrong with the way the worker was started.
struct UsageError: Error {
    let message: String
}

/// The process environment, read once, with values checked as they are asked for. An empty value counts as unset, since
/// that is how compose files pass a variable nobody has set.
struct Environment {
    private let values: [String: String]

    init(_ values: [String: String]) {
        self.values = values
    }

    static var ofProcess: Environment {
        var values: [String: String] = [:]
        var entry = unsafe environ
        while let text = unsafe entry.pointee {
            let pair = unsafe String(cString: text)
            if let equals = pair.firstIndex(of: "=") {
                values[String(pair[..<equals])] = String(pair[pair.index(after: equals)...])
            }
            unsafe entry += 1
        }
        return Environment(values)
    }

    func text(_ name: String) -> String? {
        guard let value = values[name]?.trimmed, !value.isEmpty else { return nil }
        return value
    }

    func number(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(message: "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A span of time in seconds; decimals are allowed.
    func seconds(_ name: String) throws(UsageError) -> Duration? {
        guard let text = text(name) else { return nil }
        guard let seconds = Double(text), seconds > 0, seconds <= 1_000_000 else {
            throw UsageError(message: "\(name) must be a number of seconds above 0")
        }
        return .nanoseconds(Int64(seconds * 1_000_000_000))
    }

    func flag(_ name: String) throws(UsageError) -> Bool? {
        switch text(name)?.lowercased() {
        case nil: nil
        case "true", "1", "yes", "on": true
        case "false", "0", "no", "off": false
        default: throw UsageError(message: "\(name) must be true or false")
        }
    }

    /// Several values separated by commas.
    func list(_ name: String) -> [String] {
        (text(name) ?? "").split(separator: ",").map { String($0).trimmed }.filter { !$0.isEmpty }
    }

    func url(_ name: String) throws(UsageError) -> String? {
        guard let text = text(name) else { return nil }
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.contains(" ") else {
            throw UsageError(message: "\(name) must be an http:// or https:// address")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}

extension String {
    fileprivate var trimmed: String {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" }
        var rest = self[...]
        while let first = rest.first, isSpace(first) { rest.removeFirst() }
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return String(rest)
    }
}
