/// Amounts of money as people write them, exact to the billionth of a dollar: no binary fraction comes in between.
package enum Money {
    private static let unit = 1_000_000_000

    /// Dollars in decimals, such as `12` or `0.5`; at most nine decimals, nothing negative, no exponent.
    package static func nanoDollars(_ text: some StringProtocol) -> Int? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, !parts[0].isEmpty, parts[0].utf8.count <= 7 else { return nil }
        let decimals = parts.count == 2 ? parts[1] : ""
        guard parts.count == 1 || (1...9).contains(decimals.utf8.count) else { return nil }
        guard parts.joined().utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let padded = decimals + String(repeating: "0", count: 9 - decimals.utf8.count)
        guard let whole = Int(parts[0]), let fraction = Int(padded) else { return nil }
        return whole * unit + fraction
    }

    /// The same amount in dollars, with as many decimals as it needs.
    package static func dollars(_ nanoDollars: Int) -> String {
        let amount = nanoDollars.magnitude
        let sign = nanoDollars < 0 ? "-" : ""
        let (whole, fraction) = amount.quotientAndRemainder(dividingBy: UInt(unit))
        guard fraction > 0 else { return sign + String(whole) }
        let digits = String(fraction)
        var decimals = String(repeating: "0", count: 9 - digits.utf8.count) + digits
        while decimals.last == "0" { decimals.removeLast() }
        return "\(sign)\(whole).\(decimals)"
    }
}
