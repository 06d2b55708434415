internal import Redis

/// What to change about a key's limits; what is left out stays, whatever others change at the same moment: each limit is a
/// field of its own in the key's record, and only those named here are written.
package struct KeyLimitChanges: Sendable, Equatable {
    package enum Change: Sendable, Equatable {
        case lift
        case set(Int)

        package init(_ limit: Int?) { self = limit.map { .set($0) } ?? .lift }
    }

    package var requestsPerMinute: Change?
    package var tokensPerMinute: Change?
    package var concurrentStreams: Change?
    /// All budgets together; none lifts them.
    package var budgets: [Budget]?

    package init() {}

    /// The changes that make any limits these.
    package init(to limits: KeyLimits) {
        requestsPerMinute = Change(limits.requestsPerMinute)
        tokensPerMinute = Change(limits.tokensPerMinute)
        concurrentStreams = Change(limits.concurrentStreams)
        budgets = limits.budgets
    }

    /// What a key without limits gets by these changes.
    package var asLimits: KeyLimits {
        KeyLimits(
            requestsPerMinute: requestsPerMinute?.limit,
            tokensPerMinute: tokensPerMinute?.limit,
            concurrentStreams: concurrentStreams?.limit,
            budgets: budgets ?? []
        )
    }

    /// Fields to write and fields to forget.
    var fields: (present: [RedisArgument], absent: [RedisArgument]) {
        var absent: [RedisArgument] = []
        if requestsPerMinute == .lift { absent.append("rpm") }
        if tokensPerMinute == .lift { absent.append("tpm") }
        if concurrentStreams == .lift { absent.append("concurrent") }
        if budgets?.isEmpty == true { absent.append("budgets") }
        return (asLimits.fields, absent)
    }
}

extension KeyLimitChanges.Change {
    fileprivate var limit: Int? {
        switch self {
        case .lift: nil
        case .set(let limit): limit
        }
    }
}
