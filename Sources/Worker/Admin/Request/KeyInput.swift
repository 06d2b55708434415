import Core
import JSON
import State

/// Reads what an API key shall be.
enum KeyInput {
    static let members = ["name", "owner", "enabled", "models", "expires", "limits"]

    /// The limits that are named; null lifts one, or all of them. Budgets are replaced all together.
    static func limits(_ body: AdminObject) throws(GatewayError) -> KeyLimitChanges? {
        guard body.has("limits") else { return nil }
        guard let value = body.member("limits") else { return KeyLimitChanges(to: KeyLimits()) }
        let names = ["requests_per_minute", "tokens_per_minute", "concurrent", "budgets"]
        let input = try AdminObject(value, path: "limits", allowing: names)
        var changes = KeyLimitChanges()
        let range = 1...Budget.largestAmount
        if input.has(names[0]) { changes.requestsPerMinute = .init(try input.integer(names[0], in: range)) }
        if input.has(names[1]) { changes.tokensPerMinute = .init(try input.integer(names[1], in: range)) }
        if input.has(names[2]) { changes.concurrentStreams = .init(try input.integer(names[2], in: range)) }
        if input.has(names[3]) { changes.budgets = try budgets(input) }
        return changes
    }

    /// Seconds since 1970, or never.
    static func expiry(_ body: AdminObject) throws(GatewayError) -> KeyChanges.Expiry? {
        guard body.has("expires") else { return nil }
        return try body.integer("expires", in: 0...253_402_300_799).map { .at($0) } ?? .never
    }

    private static func budgets(_ input: AdminObject) throws(GatewayError) -> [Budget] {
        var budgets: [Budget] = []
        for (place, value) in (try input.list("budgets", most: 6) ?? []).enumerated() {
            let path = "limits.budgets[\(place)]"
            let budget = try AdminObject(value, path: path, allowing: ["amount", "unit", "window"])
            let (unitName, windowName) = (try budget.requiredText("unit"), try budget.requiredText("window"))
            guard let unit = Budget.Unit(shown: unitName) else {
                throw .invalid(path + ".unit", "'\(path).unit' must be usd or tokens.")
            }
            guard let window = Budget.Window(rawValue: windowName) else {
                throw .invalid(path + ".window", "'\(path).window' must be total, day or month.")
            }
            budgets.append(Budget(amount: try amount(budget, unit, path + ".amount"), unit: unit, window: window))
        }
        return budgets
    }

    private static func amount(
        _ budget: AdminObject,
        _ unit: Budget.Unit,
        _ place: String
    ) throws(GatewayError) -> Int {
        guard let value = budget.member("amount"), value.isNumber else {
            throw .invalid(place, "'\(place)' must be a number.")
        }
        guard let amount = unit == .money ? Money.nanoDollars(value.raw.text) : value.int,
            (0...Budget.largestAmount).contains(amount)
        else {
            let rule = unit == .money ? "dollars with at most nine decimals, up to 9000000" : "a whole number of tokens"
            throw .invalid(place, "'\(place)' must be \(rule).")
        }
        return amount
    }
}
