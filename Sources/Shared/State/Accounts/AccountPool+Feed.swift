internal import Core
internal import EventLoop
internal import JSON
internal import Redis

/// Keeping the mirror true.
extension AccountPool {
    func heartbeat() {
        guard !isClosed else { return }
        heartbeatTimer?.schedule(after: options.heartbeat)
        register { _ in }
    }

    /// Tells Redis which accounts this worker has from its environment, and asks where the pool stands.
    func register(_ completion: @escaping @LoopActor (GatewayError?) -> Void) {
        guard let redis else { return completion(nil) }
        var arguments = keys.arguments(
            .integer(Int(options.registrationTime.milliseconds)),
            .integer(Int(options.retention.milliseconds)),
            .text(Self.randomEpoch()),
            environmentIDs.isEmpty ? "0" : "1",
            .text(options.usualConcurrency.map { String($0) } ?? "")
        )
        for id in environmentIDs {
            arguments += [.text(id), .text(mirror.entry(id)?.state.maskedCredential ?? "")]
        }
        redis.evaluate(
            StateScripts.registerAccounts,
            keys: keys.keys(keys.accounts, keys.registered, keys.departed, keys.set(environmentSet)),
            arguments: arguments,
            timeout: .seconds(2)
        ) { [weak self] result in
            switch result {
            case .success(let reply):
                self?.registered(reply.elements)
                completion(nil)
            case .failure(let error): completion(.stateUnavailable(error))
            }
        }
    }

    private func registered(_ elements: [RedisReply]) {
        guard elements.count == 3, let time = elements[0].int, let version = elements[2].int else { return }
        heard(time: time)
        guard feed.isFilled, !feed.isReading else { return }
        // Everything known at the last heartbeat must have arrived by now.
        if elements[1].text != feed.epoch || feed.version < expectedVersion {
            readMirror()
        }
        expectedVersion = version
    }

    func received(_ event: RedisSubscription.Event) {
        switch event {
        case .established:
            // After a restart Redis may have to be told everything.
            register { [weak self] _ in self?.readMirror() }
        case .lost: break
        case .message(_, let payload): announced(payload)
        }
    }

    private func announced(_ payload: [UInt8]) {
        guard let message = try? JSONDocument(parsing: payload).root, let version = message["v"]?.milliseconds else {
            return
        }
        if let time = message["t"]?.milliseconds { heard(time: time) }
        switch feed.heard(version) {
        case .ignore: return
        case .missed: return readMirror()
        case .take: break
        }
        if let value = message["a"] {
            take(value)
        } else if let id = message["gone"]?.string {
            feed.heardRemoval(of: id, version)
            forget(id)
        } else if let until = message["egress"]?.milliseconds {
            mirror.egressUntil = until
            mirror.egressReason = message["class"]?.string.flatMap { FailureClass(rawValue: $0) } ?? .egressBlocked
        }
    }

    private func take(_ value: JSONValue) {
        guard let state = AccountState(value, now: now, probeTime: leaseMilliseconds) else { return }
        guard state.version >= mirror.entry(state.id)?.state.version ?? 0 else { return }
        if let version = feed.removed[state.id], version > state.version { return }
        mirror.set(state)
    }

    /// A worker's own keys are there as long as the worker has them.
    private func forget(_ id: String) {
        guard mirror.environment[id] != nil else { return mirror.remove(id) }
        var state = AccountState(id: id, origin: .environment)
        state.maskedCredential = mirror.environment[id].map { Account.mask($0) } ?? ""
        mirror.set(state)
    }

    /// Reads everything, page by page; what is announced meanwhile is taken as it comes.
    func readMirror() {
        guard !feed.isReading else {
            readsAgain = true
            return
        }
        guard !isClosed, redis != nil else { return }
        feed.beginReading()
        readPage(after: 0)
    }

    private func readPage(after serial: Int) {
        redis?.evaluate(
            StateScripts.readAccounts,
            keys: keys.keys(keys.accounts),
            arguments: keys.arguments("after", .integer(serial), .integer(options.pageSize)),
            timeout: .seconds(2)
        ) { [weak self] result in
            guard let self, !self.isClosed else { return }
            switch result {
            case .success(let reply): readPage(reply.elements, isFirst: serial == 0)
            case .failure:
                feed.stopReading()
                readsAgain = true
                rereadTimer?.schedule(after: options.retryInterval)
            }
        }
    }

    private func readPage(_ elements: [RedisReply], isFirst: Bool) {
        guard elements.count >= 5, let time = elements[0].int, let epoch = elements[1].text,
            let version = elements[2].int
        else { return feed.stopReading() }
        heard(time: time, isFirst: isFirst)
        if isFirst {
            if !feed.began(epoch: epoch, version: version) {
                // Another memory has versions of its own: nothing known compares with it, nor what was heard just now.
                for id in Array(mirror.slots.keys) { mirror.change(id) { $0.version = 0 } }
                feed.beginReading()
                return readPage(after: 0)
            }
            mirror.egressUntil = max(mirror.egressUntil, elements[3].int ?? 0)
            if let reason = elements[4].text.flatMap({ FailureClass(rawValue: $0) }) { mirror.egressReason = reason }
        }
        var found: [String] = []
        for place in stride(from: 6, to: elements.count, by: 2) {
            guard let text = elements[place].bytes, let value = try? JSONDocument(parsing: text).root,
                let id = value["id"]?.string
            else { continue }
            found.append(id)
            take(value)
        }
        feed.foundPage(found)
        if elements.count - 5 >= 2 * options.pageSize, let last = elements[elements.count - 2].int {
            readPage(after: last)
        } else {
            finishReading()
        }
    }

    private func finishReading() {
        let found = feed.found
        let version = feed.version
        for (id, slot) in mirror.slots where !found.contains(id) {
            // Those announced meanwhile are newer than the pages.
            if let entry = mirror.entries[slot], entry.state.version <= version { forget(id) }
        }
        statistics.mirrorReads += 1
        let isComplete = feed.finishReading()
        applyUnheardReports()
        if !isComplete || readsAgain {
            readsAgain = false
            readMirror()
        }
    }

    func reread() {
        guard readsAgain, !feed.isReading else { return }
        readsAgain = false
        readMirror()
    }

    /// Names a memory of Redis, so that a new one is not taken for it.
    static func randomEpoch() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }
}
