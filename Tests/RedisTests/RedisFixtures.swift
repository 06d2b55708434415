import Core
import EventLoop
import Redis
import TestSupport
import Testing

/// Deadlines that a loaded machine keeps, for tests that are not about deadlines.
var patient: RedisOptions {
    var options = RedisOptions()
    options.timeout = .seconds(5)
    options.longestBackoff = .milliseconds(100)
    return options
}

/// A client that is ready.
@LoopActor func connectedClient(_ url: String, _ options: RedisOptions = patient) async throws -> RedisClient {
    let client = RedisClient(address: try #require(RedisAddress(url)), options: options, log: .silent)
    client.start()
    await eventually("the client connects") { client.isReady }
    return client
}

/// The error `body` throws, if any.
@LoopActor func caught(_ body: @LoopActor () async throws -> RedisReply) async -> RedisError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? RedisError
    }
}
