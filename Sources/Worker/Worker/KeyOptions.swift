import Admin
import State

/// The options of `Worker keys add` and `update`.
struct KeyOptions: Sendable {
    static let names: Set<String> = [
        "--name", "--owner", "--models", "--days", "--rpm", "--tpm", "--concurrent", "--budget",
    ]

    let name: String?
    let owner: String?
    let models: [String]?
    /// `.some(nil)`: never.
    let days: Int??
    let isEmpty: Bool
    private let rpm: Int??
    private let tpm: Int??
    private let concurrent: Int??
    private let budgets: [Budget]?

    init(_ arguments: Arguments) throws(UsageError) {
        name = try arguments.text("--name")
        owner = try arguments.text("--owner")
        models = try arguments.text("--models") == "all" ? [] : try arguments.list("--models")
        days = try arguments.text("--days") == "never" ? .some(nil) : try arguments.number("--days", in: 1...36_500)
        rpm = try arguments.limit("--rpm")
        tpm = try arguments.limit("--tpm")
        concurrent = try arguments.limit("--concurrent")
        var budgets: [Budget] = []
        for text in arguments.all("--budget") {
            guard let budget = Budget(shown: text) else {
                throw UsageError(
                    message: "--budget is an amount such as 10usd/month, 0.5usd/day, 200000tokens/day or 25usd"
                )
            }
            budgets.append(budget)
        }
        self.budgets = budgets.isEmpty && !arguments.has("--no-budgets") ? nil : budgets
        isEmpty = Self.names.allSatisfy { arguments.all($0).isEmpty } && !arguments.has("--no-budgets")
    }

    /// The limits that were asked for.
    var limits: KeyLimitChanges {
        var changes = KeyLimitChanges()
        changes.requestsPerMinute = rpm.map { .init($0) }
        changes.tokensPerMinute = tpm.map { .init($0) }
        changes.concurrentStreams = concurrent.map { .init($0) }
        changes.budgets = budgets
        return changes
    }

    /// `now` is in seconds since 1970.
    func changes(now: Int) throws(UsageError) -> KeyChanges {
        guard !isEmpty else { throw UsageError(message: "there is nothing to change\n\(Invocation.usage)") }
        return KeyChanges(
            name: name,
            owner: owner,
            models: models,
            expiry: days.map { $0.map { .at(now + $0 * 86_400) } ?? .never },
            limits: limits
        )
    }
}

extension Budget {
    /// Reads `10usd/month`; without a window the amount is all there ever is.
    init?(shown text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let window = parts.count == 2 ? Window(rawValue: String(parts[1])) : .total else {
            return nil
        }
        let digits = parts[0].prefix { $0.isNumber || $0 == "." }
        guard let unit = Unit(shown: parts[0].dropFirst(digits.count)),
            let amount = unit == .money ? Money.nanoDollars(digits) : Int(digits)
        else { return nil }
        self.init(amount: amount, unit: unit, window: window)
    }

    var shown: String { unit.shown(amount) + (window == .total ? "" : "/\(window.rawValue)") }
}

extension Budget.Unit {
    func shown(_ amount: Int) -> String { (self == .money ? Money.dollars(amount) : String(amount)) + shown }
}

extension KeyLimits {
    /// In one word each; empty without limits.
    var shown: String {
        var words: [String] = []
        if let requestsPerMinute { words.append("rpm=\(requestsPerMinute)") }
        if let tokensPerMinute { words.append("tpm=\(tokensPerMinute)") }
        if let concurrentStreams { words.append("concurrent=\(concurrentStreams)") }
        return (words + budgets.map { "budget=\($0.shown)" }).joined(separator: " ")
    }
}
