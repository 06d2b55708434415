internal import JSON

/// The form of an entry: US dollars per million tokens under `input`, `cached_input`, `cache_write`, `output` and
/// `reasoning`, and under `long` the same for prompts of more than `above` tokens.
extension PriceEntry {
    private static let names: Set<String> = [
        "input", "cached_input", "cache_write", "output", "reasoning", "long", "above",
    ]

    init(_ value: JSONValue, _ name: String) throws(PricesError) {
        price = try Price(value, name)
        guard let more = value["long"] else { return }
        guard let above = more["above"]?.int, above > 0 else {
            throw PricesError(message: "\(name): long needs above, a number of tokens")
        }
        long = (above, try Price(more, name))
    }

    fileprivate static func checkNames(_ value: JSONValue, _ name: String) throws(PricesError) {
        guard value.isObject else { throw PricesError(message: "\(name): a price is an object") }
        for (key, _) in value.members where !names.contains(key.string ?? "") {
            throw PricesError(message: "\(name): \(key.string ?? "") is not known")
        }
    }
}

extension Price {
    fileprivate init(_ value: JSONValue, _ name: String) throws(PricesError) {
        try PriceEntry.checkNames(value, name)
        guard let input = try Self.units(value["input"], name) else {
            throw PricesError(message: "\(name): input is missing")
        }
        let output = try Self.units(value["output"], name) ?? 0
        self.init(
            input: input,
            cachedInput: try Self.units(value["cached_input"], name) ?? input,
            cacheWrite: try Self.units(value["cache_write"], name) ?? input,
            output: output,
            reasoning: try Self.units(value["reasoning"], name) ?? output
        )
    }

    /// Reads decimals as they are written: no double stands in between.
    private static func units(_ value: JSONValue?, _ name: String) throws(PricesError) -> Int? {
        guard let value else { return nil }
        let words = value.raw.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard value.isNumber, words.count <= 2, words[0].count <= 6, words.count == 1 || words[1].count <= 6 else {
            throw PricesError(
                message: "\(name): a price is a number with at most six digits before and after the point"
            )
        }
        var units = 0
        for digits in words {
            for digit in digits {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else {
                    throw PricesError(message: "\(name): a price is not negative and has no exponent")
                }
                units = units * 10 + Int(digit & 15)
            }
        }
        for _ in (words.count == 2 ? words[1].count : 0)..<6 { units *= 10 }
        return units
    }
}
