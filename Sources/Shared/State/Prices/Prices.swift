package import Core
internal import JSON

/// Knows what models cost: the table built into the program, changed entry by entry by the operator's.
///
/// An entry is named `provider/model`; a model that ends in `*` means all that begin like it, and of several the longest
/// wins. What is in no table costs something unknown, which is not nothing.
package struct Prices: Sendable {
    /// By provider.
    private(set) var exact: [String: [String: PriceEntry]] = [:]
    /// By provider; beginnings of names, the longest first.
    private(set) var patterns: [String: [(prefix: String, entry: PriceEntry)]] = [:]

    /// `json` is what the operator has to say: the same form as the built-in table, and `null` for a price that shall
    /// not be known.
    package init(overriding json: [UInt8]? = nil) throws(PricesError) {
        var table: [String: PriceEntry] = [:]
        try Self.read(PackageResources.prices_json, into: &table)
        if let json { try Self.read(json, into: &table) }
        for (name, entry) in table {
            let (provider, model) = Self.parts(of: name)
            if model.utf8.last == UInt8(ascii: "*") {
                patterns[provider, default: []].append((String(model.dropLast()), entry))
            } else {
                exact[provider, default: [:]][model] = entry
            }
        }
        for provider in patterns.keys {
            patterns[provider]?.sort { ($0.prefix.utf8.count, $1.prefix) > ($1.prefix.utf8.count, $0.prefix) }
        }
    }

    /// What the use of a model costs, in billionths of a US dollar, rounded to the nearest; nothing when nobody knows.
    package func cost(provider: String, model: String, usage: TokenUsage) -> Int? {
        price(provider: provider, model: model)?.cost(of: usage)
    }

    /// What a model costs; nothing when nobody knows. Looking costs more than counting, so keep it.
    package func price(provider: String, model: String) -> ModelPrice? {
        entry(provider: Self.canonical(provider), model: model).map { ModelPrice(entry: $0) }
    }

    private func entry(provider: String, model: String) -> PriceEntry? {
        exact[provider]?[model] ?? patterns[provider]?.first { model.hasPrefix($0.prefix) }?.entry
    }

    /// Vendors go by two names.
    private static func canonical(_ provider: String) -> String {
        switch provider {
        case "anthropic": "claude"
        case "minimax": "minmax"
        default: provider
        }
    }

    private static func parts(of name: String) -> (provider: String, model: String) {
        guard let slash = name.utf8.firstIndex(of: UInt8(ascii: "/")) else { return ("", name) }
        return (canonical(String(name[..<slash])), String(name[name.index(after: slash)...]))
    }

    private static func read(_ json: [UInt8], into table: inout [String: PriceEntry]) throws(PricesError) {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONDocument(parsing: json).root
        } catch {
            throw PricesError(message: error.description)
        }
        guard let prices = root["prices"], prices.isObject else {
            throw PricesError(message: "there is no object named prices")
        }
        for (key, value) in prices.members {
            guard let name = key.string, name.contains("/") else {
                throw PricesError(message: "an entry is named provider/model")
            }
            let (provider, model) = parts(of: name)
            table["\(provider)/\(model)"] = value.isNull ? nil : try PriceEntry(value, name)
        }
    }
}

/// Why a table of prices cannot be used.
package struct PricesError: Error, Sendable, Equatable {
    package let message: String
}
