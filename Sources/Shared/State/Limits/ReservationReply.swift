internal import Core
internal import Redis

/// What the script for reservations says: where the key stands now, and of each charge whether it is admitted.
struct ReservationReply {
    enum Obstacle: Int {
        case requests = 1
        case tokens, openCharges, budget
    }

    enum Verdict {
        /// With the requests and tokens that then were in the window.
        case admitted(requests: Int, tokens: Int)
        /// A negative time: waiting does not help.
        case refused(Obstacle, waitMilliseconds: Int, budgetPlace: Int)
    }

    private let requests: Int
    private let requestReset: Int
    private let tokens: Int
    private let tokenReset: Int
    /// What is spent and reserved, in the order of the key's budgets.
    let budgetUse: [Int]
    let verdicts: [Verdict]

    init?(_ reply: RedisReply, _ limits: KeyLimits, count: Int) {
        guard case .bulk(let bytes) = reply else { return nil }
        var numbers = NumberReader(bytes)
        guard let requests = numbers.next(), let requestReset = numbers.next(), let tokens = numbers.next(),
            let tokenReset = numbers.next()
        else { return nil }
        self.requests = requests
        self.requestReset = requestReset
        self.tokens = tokens
        self.tokenReset = tokenReset
        var budgetUse: [Int] = []
        for _ in limits.budgets {
            guard let used = numbers.next() else { return nil }
            budgetUse.append(used)
        }
        self.budgetUse = budgetUse
        var verdicts: [Verdict] = []
        verdicts.reserveCapacity(count)
        for _ in 0..<count {
            guard let kind = numbers.next(), let second = numbers.next(), let third = numbers.next() else {
                return nil
            }
            if kind == 0 {
                verdicts.append(.admitted(requests: second, tokens: third))
            } else if let obstacle = Obstacle(rawValue: kind) {
                verdicts.append(.refused(obstacle, waitMilliseconds: second, budgetPlace: third - 1))
            } else {
                return nil
            }
        }
        self.verdicts = verdicts
    }

    /// How much is left now.
    func status(_ limits: KeyLimits) -> RateStatus? { status(limits, requests: requests, tokens: tokens) }

    /// How much was left when so much was in the window.
    func status(_ limits: KeyLimits, requests: Int, tokens: Int) -> RateStatus? {
        guard limits.requestsPerMinute != nil || limits.tokensPerMinute != nil else { return nil }
        return RateStatus(
            requests: limits.requestsPerMinute.map {
                RateStatus.Rate(limit: $0, remaining: max(0, $0 - requests), resetMilliseconds: requestReset)
            },
            tokens: limits.tokensPerMinute.map {
                RateStatus.Rate(limit: $0, remaining: max(0, $0 - tokens), resetMilliseconds: tokenReset)
            }
        )
    }

    func refusal(
        by obstacle: Obstacle,
        _ waitMilliseconds: Int,
        _ place: Int,
        of charge: Charge,
        _ limits: KeyLimits,
        window: Duration
    ) -> GatewayError {
        let wait = max(1, (waitMilliseconds + 999) / 1_000)
        switch obstacle {
        case .requests:
            return .tooManyRequests(used: requests, limit: limits.requestsPerMinute ?? 0, window: window, wait: wait)
        case .tokens:
            return .tooManyTokens(
                charge.tokens,
                used: tokens,
                limit: limits.tokensPerMinute ?? 0,
                window: window,
                wait: wait
            )
        case .openCharges: return .tooManyOpenRequests(limit: limits.concurrentStreams ?? 0, wait: wait)
        case .budget:
            guard limits.budgets.indices.contains(place), budgetUse.indices.contains(place) else {
                return GatewayError(.budgetExhausted, "A budget of this API key is exhausted.", source: .client)
            }
            return .budgetExhausted(
                limits.budgets[place],
                used: budgetUse[place],
                charge,
                wait: waitMilliseconds < 0 ? nil : wait
            )
        }
    }
}

/// Reads the whole numbers of a text with a blank between each two; nothing once there is anything else.
private struct NumberReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func next() -> Int? {
        guard place < bytes.count else { return nil }
        let isNegative = bytes[place] == UInt8(ascii: "-")
        if isNegative { place += 1 }
        let start = place
        var number = 0
        while place < bytes.count, bytes[place] != UInt8(ascii: " ") {
            let digit = bytes[place] &- UInt8(ascii: "0")
            // Eighteen digits always fit.
            guard digit < 10, place - start < 18 else { return nil }
            number = number * 10 + Int(digit)
            place += 1
        }
        guard place > start else { return nil }
        place += 1
        return isNegative ? -number : number
    }
}
