package import Core

/// One finished request, as it is counted and logged.
package struct LedgerEntry: Sendable, Equatable {
    package var requestID: String
    /// When the request ended, in seconds since 1970; it is counted in this hour.
    package var time: Int
    /// The digest of the API key, or `master`.
    package var keyDigest: String
    package var keyName: String
    package var owner: String
    package var route: String
    package var provider: String
    /// The name the client asked for.
    package var model: String
    package var upstreamModel: String
    /// The id of the account that served it; empty when none was leased.
    package var account: String
    package var status: Int
    /// Why it ended, as the stream contract words it.
    package var end: String
    /// The label of the error; empty when there was none.
    package var error: String
    package var isStream: Bool
    package var durationMS: Int
    package var firstByteMS: Int?
    package var upstreamCalls: Int
    package var chunks: Int
    package var usage: TokenUsage?
    /// In billionths of a dollar; nothing when the model has no price.
    package var cost: Int?
    /// Whether the tokens were counted here rather than reported by the upstream.
    package var isEstimated: Bool

    package init(
        requestID: String,
        time: Int,
        keyDigest: String,
        keyName: String = "",
        owner: String = "",
        route: String = "",
        provider: String = "",
        model: String = "",
        upstreamModel: String = "",
        account: String = "",
        status: Int,
        end: String = "",
        error: String = "",
        isStream: Bool = false,
        durationMS: Int = 0,
        firstByteMS: Int? = nil,
        upstreamCalls: Int = 0,
        chunks: Int = 0,
        usage: TokenUsage? = nil,
        cost: Int? = nil,
        isEstimated: Bool = false
    ) {
        self.requestID = requestID
        self.time = time
        self.keyDigest = keyDigest
        self.keyName = keyName
        self.owner = owner
        self.route = route
        self.provider = provider
        self.model = model
        self.upstreamModel = upstreamModel
        self.account = account
        self.status = status
        self.end = end
        self.error = error
        self.isStream = isStream
        self.durationMS = durationMS
        self.firstByteMS = firstByteMS
        self.upstreamCalls = upstreamCalls
        self.chunks = chunks
        self.usage = usage
        self.cost = cost
        self.isEstimated = isEstimated
    }

    package var isError: Bool { status >= 400 || !error.isEmpty }
}
