internal import Core
internal import EventLoop

extension RedisClient {
    /// Runs a script. The first use loads it; when Redis has forgotten it, it is loaded again and run once more, all
    /// within the one deadline.
    package func evaluate(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument] = [],
        timeout: Duration? = nil
    ) async throws(RedisError) -> RedisReply {
        if let cluster {
            return try await cluster.run(.script(script, keys: keys, arguments: arguments), timeout).get()
        }
        let started = LoopClock.turn
        if let digest = digests[script.name] {
            do throws(RedisError) {
                return try await command(call("EVALSHA", digest, keys, arguments), timeout: timeout)
            } catch {
                guard error.prefix == "NOSCRIPT" else { throw error }
            }
        }
        let rest = remaining(of: timeout, since: started)
        let result: Result<RedisReply, RedisError> = await unsafe withUnsafeContinuation { continuation in
            evaluateLoading(script, keys, arguments, asking: false, rest) { unsafe continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same without a task: `completion` is called exactly once, perhaps before this returns. After a time-out `late`
    /// is called with the answer, should it come after all.
    package func evaluate(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument] = [],
        timeout: Duration? = nil,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        if let cluster {
            return cluster.run(.script(script, keys: keys, arguments: arguments), timeout, late: late, completion)
        }
        evaluateHere(script, keys, arguments, asking: false, timeout, late: late, completion)
    }

    /// Runs a script on this very server; `asking` for a slot that is on its way to it.
    func evaluateHere(
        _ script: RedisScript,
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument],
        asking: Bool,
        _ timeout: Duration?,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        guard let digest = digests[script.name] else {
            let timeout = timeout ?? options.timeout
            return evaluateLoading(script, keys, arguments, asking: asking, timeout, late: late, completion)
        }
        let started = LoopClock.turn
        if asking { sendAsking(timeout ?? options.timeout) }
        command(call("EVALSHA", digest, keys, arguments), timeout: timeout, late: late) { [weak self] result in
            guard let self, case .failure(let error) = result, error.prefix == "NOSCRIPT" else {
                return completion(result)
            }
            let rest = remaining(of: timeout, since: started)
            evaluateLoading(script, keys, arguments, asking: asking, rest, late: late, completion)
        }
    }

    /// Calls the script by its text, which works whatever Redis remembers, and has it remembered for the next calls.
    /// (What came by `EVAL` alone may be forgotten early; newer servers keep only the last few hundred.)
    private func evaluateLoading(
        _ script: RedisScript,
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument],
        asking: Bool,
        _ timeout: Duration,
        late: (@LoopActor (RedisReply) -> Void)? = nil,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        load(script, timeout)
        if asking { sendAsking(timeout) }
        command(call("EVAL", script.source, keys, arguments), timeout: timeout, late: late, completion: completion)
    }

    private func load(_ script: RedisScript, _ timeout: Duration) {
        guard loading.insert(script.name).inserted else { return }
        command(["SCRIPT", "LOAD", .bytes(script.source)], timeout: timeout) { [weak self] result in
            self?.loading.remove(script.name)
            // A script that cannot be loaded tells why when it is called.
            if case .success(let reply) = result, let digest = reply.bytes { self?.digests[script.name] = digest }
        }
    }

    private func call(
        _ name: RedisArgument,
        _ script: [UInt8],
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument]
    ) -> [RedisArgument] {
        var call: [RedisArgument] = []
        call.reserveCapacity(3 + keys.count + arguments.count)
        call.append(name)
        call.append(.bytes(script))
        call.append(.integer(keys.count))
        call += keys
        call += arguments
        return call
    }

    /// What is left for the second try. The turn's beginning is near enough to that of the first one, and costs nothing.
    private func remaining(of timeout: Duration?, since started: Instant) -> Duration {
        let whole = (timeout ?? options.timeout).nanoseconds
        let passed = LoopClock.now.nanoseconds &- started.nanoseconds
        return .nanoseconds(max(0, whole - Int64(clamping: passed)))
    }
}
