internal import Core

/// What a charge has really used, on its way to Redis.
struct Settlement {
    let id: String
    let key: LimitedKey
    let tokens: Int
    let cost: Int
    let budgets: [Budget]
    /// What to count if Redis does not know the charge: see the scripts.
    let letters: StaticString
    /// It was admitted without Redis, so there is no reservation that would tell whether it was counted; its mark is
    /// kept for as long as it may be sent again.
    let isLocal: Bool
    let began: Instant
    /// Redis may have counted it although the answer is missing.
    var mayHaveRun = false
}
