internal import Core

/// What requests add up to.
package struct UsageSums: Sendable, Equatable {
    package var requests = 0
    /// Requests that ended with an error.
    package var errors = 0
    package var streams = 0
    package var prompt = 0
    package var cached = 0
    package var cacheWrite = 0
    package var completion = 0
    package var reasoning = 0
    /// In billionths of a dollar.
    package var cost = 0
    /// Requests that used tokens nobody knows the price of.
    package var unpriced = 0
    /// Requests whose tokens were counted here.
    package var estimated = 0
    /// How long the requests took, summed up.
    package var milliseconds = 0
    package var upstreamCalls = 0

    package init() {}

    /// What one request adds.
    init(_ entry: LedgerEntry) {
        requests = 1
        errors = entry.isError ? 1 : 0
        streams = entry.isStream ? 1 : 0
        if let usage = entry.usage {
            prompt = usage.prompt
            cached = usage.cached
            cacheWrite = usage.cacheWrite
            completion = usage.completion
            reasoning = usage.reasoning
            unpriced = entry.cost == nil ? 1 : 0
        }
        cost = entry.cost ?? 0
        estimated = entry.isEstimated ? 1 : 0
        milliseconds = entry.durationMS
        upstreamCalls = entry.upstreamCalls
    }

    package static func += (sums: inout UsageSums, more: UsageSums) {
        for path in order { sums[keyPath: path] += more[keyPath: path] }
    }
}
