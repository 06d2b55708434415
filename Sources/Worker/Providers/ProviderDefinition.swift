package import HTTPCodec
internal import JSON

/// What the operator can say about a provider, and how it is made of that.
package struct ProviderDefinition: Sendable {
    package let name: String
    /// Variables whose values, separated by commas, are the first accounts of the provider's pool. Without any the provider
    /// has no pool.
    package let keyVariables: [String]
    /// Further variables that `make` reads.
    package let variables: [String]
    package let pool: PoolTraits
    package let make: @Sendable (ProviderSettings) throws(ProviderProblem) -> any Provider

    package init(
        name: String,
        keyVariables: [String] = [],
        variables: [String] = [],
        pool: PoolTraits = PoolTraits(),
        make: @escaping @Sendable (ProviderSettings) throws(ProviderProblem) -> any Provider
    ) {
        self.name = name
        self.keyVariables = keyVariables
        self.variables = variables
        self.pool = pool
        self.make = make
    }

    package var hasPool: Bool { !keyVariables.isEmpty }

    /// The accounts that the operator has put into the environment.
    package func credentials(_ settings: ProviderSettings) -> [String] {
        keyVariables.flatMap { pool.credentials(settings, $0) }
    }
}

/// How the accounts of a provider may be used, where that is not how API keys are.
package struct PoolTraits: Sendable {
    /// Each lease is decided by the cluster, one after the other: nothing is ever exceeded.
    package var isExact = false
    /// How many turns an account of the environment may have at once; no number means any.
    package var concurrency: Int?
    /// The variable by which the operator says otherwise.
    package var concurrencyVariable: String?
    /// How long a model rests on an account that has reached its limit and was not told for how long, the first time and at
    /// most.
    package var rest: (first: Duration, longest: Duration)?
    /// Whether an account that has reached a limit rests for all models, and not for the one alone.
    package var restsWhole = false
    /// Puts an account as somebody has it, with the name of its header or cookie before it for example, into the form in
    /// which it is kept, so that nobody adds it twice; nothing for what is none.
    package var reads: @Sendable (String) -> String? = { $0 }
    /// Whether a comma can be part of an account, and so separates none from another.
    package var hasCommas = false
    /// Reads the accounts out of a variable.
    package var credentials: @Sendable (ProviderSettings, String) -> [String] = { $0.list($1) }

    package init() {}
}

/// What the operator has said wrong, in words for the log.
package struct ProviderProblem: Error {
    package let message: String

    package init(_ message: String) { self.message = message }
}

/// The operator's choices for all providers, by the names of their variables.
package struct ProviderSettings: Sendable {
    private let values: [String: String]
    /// Wall time in seconds since 1970.
    package let now: @Sendable () -> Int

    package init(_ values: [String: String], now: @escaping @Sendable () -> Int) {
        self.values = values
        self.now = now
    }

    /// Nothing for a variable that is unset or blank.
    package func text(_ name: String) -> String? {
        guard let value = values[name].map(Self.trimmed), !value.isEmpty else { return nil }
        return String(value)
    }

    /// Several values separated by commas.
    package func list(_ name: String) -> [String] {
        (text(name) ?? "").split(separator: ",").map { String(Self.trimmed(String($0))) }.filter { !$0.isEmpty }
    }

    /// An address without a slash at its end.
    package func url(_ name: String) throws(ProviderProblem) -> String? {
        guard let text = text(name) else { return nil }
        guard text.hasPrefix("http://") || text.hasPrefix("https://"), !text.contains(" ") else {
            throw ProviderProblem("\(name) must be an http:// or https:// address")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    /// A choice of yes and no.
    package func flag(_ name: String) throws(ProviderProblem) -> Bool? {
        guard let text = text(name)?.lowercased() else { return nil }
        switch text {
        case "1", "true", "t", "yes", "y", "on": return true
        case "0", "false", "f", "no", "n", "off": return false
        default: throw ProviderProblem("\(name) must be true or false")
        }
    }

    package func number(_ name: String, in range: ClosedRange<Int>) throws(ProviderProblem) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw ProviderProblem("\(name) must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// Header lines from a JSON object of names and values.
    package func headers(_ name: String) throws(ProviderProblem) -> [HTTPHeader] {
        guard let text = text(name) else { return [] }
        let problem = ProviderProblem("\(name) must be a JSON object of header names and values")
        guard let object = (try? JSONDocument(parsing: Array(text.utf8)))?.root, object.isObject else { throw problem }
        var headers: [HTTPHeader] = []
        for (key, value) in object.members {
            guard let name = key.string, let value = value.string, !name.isEmpty,
                name.utf8.allSatisfy(Self.isNameByte), value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw problem }
            headers.append(HTTPHeader(name, value))
        }
        return headers
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func trimmed(_ text: String) -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\n" || $0 == "\r\n" }
        var rest = text[...].drop(while: isSpace)
        while let last = rest.last, isSpace(last) { rest.removeLast() }
        return rest
    }
}
