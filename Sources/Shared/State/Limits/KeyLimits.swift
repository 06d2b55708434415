/// What an API key may use. Nothing set means no limit.
package struct KeyLimits: Sendable, Equatable {
    package var requestsPerMinute: Int?
    package var tokensPerMinute: Int?
    /// How many requests may be open at once. Plain ones hold a place like streams: an upstream sees no difference.
    package var concurrentStreams: Int?
    package var budgets: [Budget]

    package init(
        requestsPerMinute: Int? = nil,
        tokensPerMinute: Int? = nil,
        concurrentStreams: Int? = nil,
        budgets: [Budget] = []
    ) {
        self.requestsPerMinute = requestsPerMinute
        self.tokensPerMinute = tokensPerMinute
        self.concurrentStreams = concurrentStreams
        self.budgets = budgets
    }

    package var isUnlimited: Bool {
        requestsPerMinute == nil && tokensPerMinute == nil && concurrentStreams == nil && budgets.isEmpty
    }

    /// More tokens than that no single request can have.
    package var mostTokens: Int? {
        ([tokensPerMinute] + budgets.map { $0.unit == .tokens ? $0.amount : nil }).compactMap(\.self).min()
    }

    /// Why these limits cannot be given to a key, if they cannot.
    var complaint: String? {
        let rates = [requestsPerMinute, tokensPerMinute, concurrentStreams].compactMap(\.self)
        if rates.contains(where: { !(1...Budget.largestAmount).contains($0) }) {
            return "Limits are positive; leave out what shall not be limited, and disable a key that shall not be used."
        }
        if budgets.contains(where: { !(0...Budget.largestAmount).contains($0.amount) }) {
            return "The amount of a budget is between 0 and \(Budget.largestAmount)."
        }
        if Set(budgets.map(\.counter)).count < budgets.count {
            return "A key has at most one budget of each unit and window."
        }
        return nil
    }
}

/// An amount that a key may spend within a window of the calendar.
package struct Budget: Sendable, Hashable {
    package enum Unit: String, Sendable, CaseIterable {
        /// Counted in billionths of a US dollar.
        case money
        case tokens
    }

    package enum Window: String, Sendable, CaseIterable {
        /// From the first request on, without an end.
        case total
        /// The day in UTC.
        case day
        /// The month in UTC.
        case month
    }

    /// What scripts can count exactly: 2^53 and a little less. In money, nine million dollars.
    package static let largestAmount = 9_000_000_000_000_000

    package var amount: Int
    package var unit: Unit
    package var window: Window

    package init(amount: Int, unit: Unit, window: Window) {
        self.amount = amount
        self.unit = unit
        self.window = window
    }

    /// The name of what has been spent, in the hash of the key's budgets.
    var counter: String { "\(counterName)" }

    /// The same without memory of its own, for every request.
    var counterName: StaticString {
        switch (unit, window) {
        case (.money, .total): "money.total"
        case (.money, .day): "money.day"
        case (.money, .month): "money.month"
        case (.tokens, .total): "tokens.total"
        case (.tokens, .day): "tokens.day"
        case (.tokens, .month): "tokens.month"
        }
    }
}
