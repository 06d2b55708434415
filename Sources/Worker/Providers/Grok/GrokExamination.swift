internal import Core
internal import HTTPCodec
internal import JSON

/// Finds out whether an account works, which plan it has, and what it may still do.
struct GrokExamination {
    private let configuration: GrokConfiguration
    private let session: GrokSession

    init(_ configuration: GrokConfiguration, _ desk: any Desk) throws(GatewayError) {
        self.configuration = configuration
        session = try GrokSession(configuration, desk, key: desk.key)
    }

    func run() async throws(GatewayError) -> AccountFindings {
        var findings = AccountFindings(works: true)
        let plan = try await plan()
        for name in allowances(plan) {
            let answer = try await session.ask(.post, "/rest/rate-limits", Self.body(name, configuration.wire))
            if answer.isSuccess {
                if let allowance = GrokAllowance(answer.body) { findings.quotas.append(allowance.quota(name)) }
                continue
            }
            // A model that the account does not have is none of its faults.
            if answer.status == 404 { continue }
            let error = session.failure(answer)
            guard error.failureClass == .credentialsRefused else {
                if error.failureClass == .rateLimited {
                    findings.note = "It is asked too often at the moment."
                    continue
                }
                throw error
            }
            return AccountFindings(works: false, plan: plan, note: "The application does not accept it.")
        }
        findings.plan = plan ?? Self.plan(by: findings.quotas)
        return findings
    }

    /// How long an account must wait before it may use the model again; nothing where it need not, or nobody says.
    static func wait(_ model: GrokModel, _ session: GrokSession) async -> Int? {
        let wire = session.configuration.wire
        guard let answer = try? await session.ask(.post, "/rest/rate-limits", body(model.allowance(wire), wire)),
            answer.isSuccess, let allowance = GrokAllowance(answer.body)
        else { return nil }
        return allowance.remaining ?? 0 > 0 ? nil : allowance.wait
    }

    /// How the allowance for a model is asked for.
    private static func body(_ name: String, _ wire: GrokWire) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if wire == .modelMode { writer.member("requestKind", "DEFAULT") }
        writer.member("modelName", name)
        writer.endObject()
        return writer.take()
    }

    /// Nothing where the application does not say.
    private func plan() async throws(GatewayError) -> String? {
        let answer = try await session.ask(.get, "/rest/subscriptions")
        guard answer.isSuccess, let document = try? JSONDocument(parsing: answer.body),
            let list = document.root["subscriptions"], list.isArray
        else { return nil }
        var plan = "free"
        for item in list.elements where item["status"]?.equals("SUBSCRIPTION_STATUS_ACTIVE") == true {
            if item["tier"]?.equals("SUBSCRIPTION_TIER_SUPER_GROK_PRO") == true { return "heavy" }
            plan = "super"
        }
        return plan
    }

    /// What to ask for: in the newer wire not every plan has every mode.
    private func allowances(_ plan: String?) -> [String] {
        guard configuration.wire == .modeID else { return configuration.models.allowances(.modelMode) }
        switch plan {
        case "free": return ["fast", "auto"]
        case "super": return ["fast", "auto", "expert"]
        default: return ["fast", "auto", "expert", "heavy"]
        }
    }

    /// The plan as its totals betray it; of two that contradict each other the lower one.
    private static func plan(by quotas: [AccountFindings.Quota]) -> String? {
        let plans = ["free", "super", "heavy"]
        let ranks = quotas.compactMap { quota -> Int? in
            switch (quota.model, quota.total) {
            case ("auto", 7?), ("auto", 20?), ("fast", 30?): 0
            case ("auto", 50?), ("fast", 140?): 1
            case ("auto", 150?), ("fast", 400?): 2
            case ("heavy", let total?) where total > 0: 2
            default: nil
            }
        }
        return ranks.min().map { plans[$0] }
    }
}

/// What an account may still ask of a model.
struct GrokAllowance {
    let remaining: Int?
    let total: Int?
    /// Seconds until there is more.
    let wait: Int?

    init?(_ body: [UInt8]) {
        guard let document = try? JSONDocument(parsing: body), document.root.isObject else { return nil }
        let root = document.root
        remaining = root["remainingQueries"]?.int ?? root["remainingTokens"]?.int
        total = root["totalQueries"]?.int ?? root["totalTokens"]?.int
        let waits = [root["waitTimeSeconds"], root["highEffortRateLimits"]?["waitTimeSeconds"]]
        wait = waits.lazy.compactMap { $0?.int ?? $0?.double.flatMap { Int(exactly: $0.rounded(.up)) } }.first {
            $0 > 0
        }
    }

    func quota(_ model: String) -> AccountFindings.Quota {
        AccountFindings.Quota(model: model, remaining: remaining, total: total, wait: wait)
    }
}
