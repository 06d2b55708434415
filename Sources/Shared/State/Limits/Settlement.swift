internal import Core

/// What a charge has really used, on its way to Redis.
struct Settlement {
    let id: String
    let key: LimitedKey
    let tokens: Int
    let cost: Int
    let budgets: [Budget]
    /// What to count in the window if Redis does not know the charge.
    let countsRequest: Bool
    let countsTokens: Bool
    /// It was admitted without Redis, so there is no reservation that would tell whether it was counted; its mark is
    /// kept for as long as it may be sent again.
    let isLocal: Bool
    let began: Instant
    /// Redis may have counted it although the answer is missing.
    var mayHaveRun = false

    /// All of that as the script reads it.
    var letters: StaticString {
        let number =
            (isLocal ? 8 : mayHaveRun ? 4 : 0) + (countsRequest ? 2 : 0) + (countsTokens ? 1 : 0)
        return Self.lettersByNumber[number]
    }

    // Of a charge that was admitted without Redis its own mark alone tells whether it was counted.
    private static let lettersByNumber: [StaticString] = [
        "", "t", "r", "rt", "m", "mt", "mr", "mrt", "l", "lt", "lr", "lrt",
    ]
}
