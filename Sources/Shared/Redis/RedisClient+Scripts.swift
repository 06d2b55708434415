internal import Core
internal import EventLoop

extension RedisClient {
    /// Runs a script. The first use loads it; when Redis has forgotten it, it is loaded again and run once more.
    package func evaluate(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument] = [],
        timeout: Duration? = nil
    ) async throws(RedisError) -> RedisReply {
        if let digest = digests[script.name] {
            do throws(RedisError) {
                return try await run(digest, keys, arguments, timeout)
            } catch {
                guard error.prefix == "NOSCRIPT" else { throw error }
            }
        }
        return try await run(try await load(script, timeout), keys, arguments, timeout)
    }

    /// The same without a task: `completion` is called exactly once, perhaps before this returns.
    package func evaluate(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument] = [],
        timeout: Duration? = nil,
        completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        guard let digest = digests[script.name] else {
            return load(script, timeout) { [weak self] loaded in
                switch loaded {
                case .success(let digest): self?.run(digest, keys, arguments, timeout, completion)
                case .failure(let error): completion(.failure(error))
                }
            }
        }
        run(digest, keys, arguments, timeout) { [weak self] result in
            guard let self, case .failure(let error) = result, error.prefix == "NOSCRIPT" else {
                return completion(result)
            }
            digests[script.name] = nil
            evaluate(script, keys: keys, arguments: arguments, timeout: timeout, completion: completion)
        }
    }

    private func run(
        _ digest: [UInt8],
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument],
        _ timeout: Duration?,
        _ completion: @escaping @LoopActor (Result<RedisReply, RedisError>) -> Void
    ) {
        command(call(digest, keys, arguments), timeout: timeout, completion: completion)
    }

    private func load(
        _ script: RedisScript,
        _ timeout: Duration?,
        _ completion: @escaping @LoopActor (Result<[UInt8], RedisError>) -> Void
    ) {
        command(["SCRIPT", "LOAD", .bytes(script.source)], timeout: timeout) { [weak self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let reply):
                guard let digest = reply.bytes else {
                    return completion(.failure(RedisError(.invalidReply, "SCRIPT LOAD did not return a digest")))
                }
                self?.digests[script.name] = digest
                completion(.success(digest))
            }
        }
    }

    private func run(
        _ digest: [UInt8],
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument],
        _ timeout: Duration?
    ) async throws(RedisError) -> RedisReply {
        try await command(call(digest, keys, arguments), timeout: timeout)
    }

    private func call(_ digest: [UInt8], _ keys: [RedisArgument], _ arguments: [RedisArgument]) -> [RedisArgument] {
        var call: [RedisArgument] = []
        call.reserveCapacity(3 + keys.count + arguments.count)
        call.append("EVALSHA")
        call.append(.bytes(digest))
        call.append(.integer(keys.count))
        call += keys
        call += arguments
        return call
    }

    private func load(_ script: RedisScript, _ timeout: Duration?) async throws(RedisError) -> [UInt8] {
        let reply = try await command(["SCRIPT", "LOAD", .bytes(script.source)], timeout: timeout)
        guard let digest = reply.bytes else { throw RedisError(.invalidReply, "SCRIPT LOAD did not return a digest") }
        digests[script.name] = digest
        return digest
    }
}
