package import JSON

extension Prices {
    /// Writes the table in force, in the form in which the operator's own is read: what is copied from here and changed can
    /// be given back.
    package func write(to writer: inout JSONWriter) {
        var entries: [(name: String, entry: PriceEntry)] = []
        for (provider, models) in exact { entries += models.map { ("\(provider)/\($0.key)", $0.value) } }
        for (provider, models) in patterns { entries += models.map { ("\(provider)/\($0.prefix)*", $0.entry) } }
        writer.beginObject()
        for (name, entry) in entries.sorted(by: { $0.name < $1.name }) {
            writer.key(name)
            writer.beginObject()
            entry.price.write(to: &writer)
            if let long = entry.long {
                writer.key("long")
                writer.beginObject()
                writer.member("above", long.above)
                long.price.write(to: &writer)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.endObject()
    }
}

extension Price {
    fileprivate func write(to writer: inout JSONWriter) {
        for (name, units) in [
            ("input", input), ("cached_input", cachedInput), ("cache_write", cacheWrite), ("output", output),
            ("reasoning", reasoning),
        ] as [(StaticString, Int)] {
            writer.key(name)
            writer.raw(.bytes(Array(Self.dollars(units).utf8)))
        }
    }

    /// A unit is a millionth of a dollar per million tokens.
    private static func dollars(_ units: Int) -> String {
        let (whole, rest) = units.quotientAndRemainder(dividingBy: 1_000_000)
        guard rest > 0 else { return String(whole) }
        let digits = String(rest)
        var decimals = String(repeating: "0", count: 6 - digits.utf8.count) + digits
        while decimals.last == "0" { decimals.removeLast() }
        return "\(whole).\(decimals)"
    }
}
