package import Core
internal import EventLoop
internal import Redis

/// Leases Redis decides about.
extension AccountPool {
    /// One lease, exact: one script. `completion` is called exactly once, perhaps before this returns.
    package func lease(
        model: String,
        preferring: String? = nil,
        excluding: Set<String> = [],
        completion: @escaping @LoopActor (Result<Lease, GatewayError>) -> Void
    ) {
        // Whoever was told to ask just now asks for the account whose turn it is.
        let wanted = preferring ?? askedFor
        askedFor = nil
        request(Request(model: model, preferring: wanted, excluding: excluding, attempts: 4), completion)
    }

    package func lease(
        model: String,
        preferring: String? = nil,
        excluding: Set<String> = []
    ) async throws(GatewayError) -> Lease {
        let result = await unsafe withUnsafeContinuation { continuation in
            lease(model: model, preferring: preferring, excluding: excluding) {
                unsafe continuation.resume(returning: $0)
            }
        }
        return try result.get()
    }

    private struct Request {
        let model: String
        let preferring: String?
        var excluding: Set<String>
        var attempts: Int
    }

    private typealias Completion = @LoopActor (Result<Lease, GatewayError>) -> Void

    private func request(_ request: Request, _ completion: @escaping Completion) {
        guard let redis else { return decideAlone(request, nil, completion) }
        let id = nextLeaseID()
        redis.evaluate(
            StateScripts.leaseAccount,
            keys: keys.keys(),
            arguments: leaseArguments(
                id: id,
                model: request.model,
                preferring: request.preferring,
                excluding: request.excluding
            ),
            late: { [weak self] reply in self?.giveBack(reply.elements, id: id, request) }
        ) { [weak self] result in
            guard let self else { return completion(.failure(Self.closed)) }
            switch result {
            case .failure(let error): decideAlone(request, .stateUnavailable(error), completion)
            case .success(let reply): answered(reply.elements, id: id, request, completion)
            }
        }
    }

    func leaseArguments(
        id: String,
        model: String,
        preferring: String?,
        excluding: Set<String>
    ) -> [RedisArgument] {
        var arguments = keys.arguments(
            .text(model),
            .text(id),
            .integer(leaseMilliseconds),
            .text(preferring ?? ""),
            .text(environmentSet),
            .integer(now + patience)
        )
        for account in excluding { arguments.append(.text(account)) }
        return arguments
    }

    private func answered(
        _ elements: [RedisReply],
        id: String,
        _ request: Request,
        _ completion: @escaping Completion
    ) {
        switch elements.first?.text {
        case "ok": granted(elements, id: id, request, completion)
        case "none":
            statistics.leasesRefused += 1
            let now = elements[1].int ?? now
            let time = elements[2].int ?? 0
            let reason = elements[3].text.flatMap { FailureClass(rawValue: $0) } ?? .none
            completion(.failure(.noAccount(soonest: time > 0 ? time : nil, reason: reason, now: now)))
        case "late" where request.attempts > 0:
            // Redis' clock is ahead of what was known of it; now it is known.
            if let time = elements[1].int { heard(time: time) }
            var again = request
            again.attempts -= 1
            self.request(again, completion)
        case "unregistered" where request.attempts > 0:
            // Redis has lost its memory, or has not heard of this worker for long.
            var again = request
            again.attempts -= 1
            register { [weak self] error in
                guard let self, error == nil else { return completion(.failure(error ?? Self.closed)) }
                self.request(again, completion)
            }
        default:
            completion(.failure(GatewayError(.internalError, "The account pool does not work.", cause: "lease script")))
        }
    }

    private func granted(
        _ elements: [RedisReply],
        id: String,
        _ request: Request,
        _ completion: @escaping Completion
    ) {
        guard elements.count > 4, let account = elements[1].text, let time = elements[2].int else {
            return completion(.failure(GatewayError(.internalError, "The account pool does not work.")))
        }
        heard(time: time)
        guard let leased = self.account(account, leased: elements) else {
            // Not for this worker: sealed under a secret it does not have.
            enqueue(Lease(refusing: account, id: id, model: request.model, pool: name, granted: time), .abandoned)
            guard request.attempts > 0 else {
                return completion(.failure(.noAccount(soonest: nil, reason: .none, now: time)))
            }
            var again = request
            again.attempts -= 1
            again.excluding.insert(account)
            return self.request(again, completion)
        }
        statistics.leasesGranted += 1
        statistics.inFlight += 1
        mirror.countLease(account, 1)
        openLeases[id] = OpenLease(account: account, granted: time)
        completion(
            .success(
                Lease(
                    id: id,
                    account: leased,
                    accountID: account,
                    pool: name,
                    model: request.model,
                    isProbe: elements[4].text == "1",
                    granted: time,
                    isScripted: true
                )
            )
        )
    }

    /// The script ran in time and its answer came too late. Whoever asked has gone on without this lease, which would
    /// keep others out for as long as leases last.
    private func giveBack(_ elements: [RedisReply], id: String, _ request: Request) {
        guard elements.count > 4, elements[0].text == "ok", let account = elements[1].text, let time = elements[2].int
        else { return }
        statistics.leasesLate += 1
        enqueue(Lease(refusing: account, id: id, model: request.model, pool: name, granted: time), .abandoned)
    }

    /// The account as the script describes it, with the credential from the mirror where that has the same one.
    private func account(_ id: String, leased elements: [RedisReply]) -> Lease.Shared? {
        let names = [
            "origin", "weight", "concurrency", "credential", "note", "tags", "created", "failures", "masked", "version",
        ]
        var fields = ["enabled": "1"]
        for (place, name) in names.enumerated() where place + 5 < elements.count {
            fields[name] = elements[place + 5].text
        }
        if let slot = mirror.slots[id], let entry = mirror.entry(id),
            String(entry.state.version) == fields["version"] ?? "",
            entry.state.sealedCredential == fields["credential"] ?? ""
        {
            return mirror.account(slot)
        }
        var state = AccountState(id: id, fields: fields)
        state.cooldowns = mirror.entry(id)?.state.cooldowns ?? [:]
        return mirror.credential(of: state).map { Lease.Shared(Account(state, pool: name, credential: $0)) }
    }

    /// Without Redis a mirrored pool goes on from what it knows; a scripted one cannot.
    private func decideAlone(_ request: Request, _ error: GatewayError?, _ completion: Completion) {
        if let error, options.use == .scripted { return completion(.failure(error)) }
        switch decide(request.model, request.preferring, request.excluding, mayAsk: false) {
        case .lease(let lease): completion(.success(lease))
        case .none(_, let reason): completion(.failure(mirror.hasAny ? reason : error ?? reason))
        case .ask: completion(.failure(error ?? .noAccount(soonest: nil, reason: .none, now: now)))
        }
    }

    /// For so many milliseconds somebody waits for a lease. A script that comes to run later, because Redis was frozen,
    /// must not grant one: nobody would use it. Both clocks are known to the millisecond, so two are taken off: a grant
    /// is always one that was asked for.
    private var patience: Int { max(1, Int(redis?.timeout.milliseconds ?? 0) - 2) }

    private static var closed: GatewayError { GatewayError(.stateUnavailable, "The service is closing.") }
}

extension Lease {
    /// A lease that was granted and cannot be used.
    fileprivate init(refusing account: String, id: String, model: String, pool: String, granted: Int) {
        self.init(
            id: id,
            account: Shared(Account(AccountState(id: account, origin: .stored), pool: pool, credential: "")),
            accountID: account,
            pool: pool,
            model: model,
            isProbe: false,
            granted: granted,
            isScripted: true
        )
    }
}
