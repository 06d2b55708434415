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

    private func run(
        _ digest: [UInt8],
        _ keys: [RedisArgument],
        _ arguments: [RedisArgument],
        _ timeout: Duration?
    ) async throws(RedisError) -> RedisReply {
        var call: [RedisArgument] = []
        call.reserveCapacity(3 + keys.count + arguments.count)
        call.append("EVALSHA")
        call.append(.bytes(digest))
        call.append(.integer(keys.count))
        call += keys
        call += arguments
        return try await command(call, timeout: timeout)
    }

    private func load(_ script: RedisScript, _ timeout: Duration?) async throws(RedisError) -> [UInt8] {
        let reply = try await command(["SCRIPT", "LOAD", .bytes(script.source)], timeout: timeout)
        guard let digest = reply.bytes else { throw RedisError(.invalidReply, "SCRIPT LOAD did not return a digest") }
        digests[script.name] = digest
        return digest
    }
}
