internal import Core
internal import Redis

/// What the script for reservations says.
struct ReservationReply {
    private enum Obstacle: Int {
        case none, requests, tokens, openCharges, budget
    }

    private let obstacle: Obstacle
    /// Negative: waiting does not help.
    private let waitMilliseconds: Int
    private let budgetPlace: Int
    private let requests: Int
    private let requestReset: Int
    private let tokens: Int
    private let tokenReset: Int
    /// What is spent and reserved, in the order of the key's budgets.
    let budgetUse: [Int]

    init?(_ reply: RedisReply) {
        guard case .array(let elements) = reply, elements.count >= 7,
            let obstacle = elements[0].int.flatMap(Obstacle.init)
        else { return nil }
        self.obstacle = obstacle
        waitMilliseconds = elements[1].int ?? 0
        budgetPlace = (elements[2].int ?? 0) - 1
        requests = elements[3].int ?? 0
        requestReset = elements[4].int ?? 0
        tokens = elements[5].int ?? 0
        tokenReset = elements[6].int ?? 0
        budgetUse = elements.count == 7 ? [] : elements[7...].map { $0.int ?? 0 }
    }

    func status(_ limits: KeyLimits) -> RateStatus? {
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

    func refusal(of charge: Charge, _ limits: KeyLimits, window: Duration) -> GatewayError? {
        let wait = max(1, (waitMilliseconds + 999) / 1_000)
        switch obstacle {
        case .none: return nil
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
            guard limits.budgets.indices.contains(budgetPlace), budgetUse.indices.contains(budgetPlace) else {
                return GatewayError(.budgetExhausted, "A budget of this API key is exhausted.", source: .client)
            }
            return .budgetExhausted(
                limits.budgets[budgetPlace],
                used: budgetUse[budgetPlace],
                charge,
                wait: waitMilliseconds < 0 ? nil : wait
            )
        }
    }
}
