package import Core
package import EventLoop
internal import JSON
package import Redis

/// What came of the latest test of each account, for whoever looks at the pool.
///
/// Redis holds `millrace:{pool:<name>}:examinations`, a hash with an entry an account; and of a test of the whole pool
/// `millrace:{pool:<name>}:examining`, how far it has come, and `…:examining:claim`, which one worker holds meanwhile.
@LoopActor
package final class ExaminationBook {
    /// In seconds; every test renews it.
    private static let lifetime = 30 * 86_400
    private static let runLifetime = 86_400
    /// How long a test of one account may take before the run counts as broken off.
    private static let claimTime = 180

    private let redis: RedisClient

    package init(redis: RedisClient) { self.redis = redis }

    package func note(_ examination: Examination, of account: String, pool: String) async throws(GatewayError) {
        let key = Self.key(pool, "examinations")
        var writer = JSONWriter()
        examination.write(to: &writer)
        _ = try await command(["HSET", key, .text(account), .bytes(writer.take())])
        _ = try await command(["EXPIRE", key, .integer(Self.lifetime)])
    }

    /// By account; those that were never tested are missing.
    package func examinations(of accounts: [String], pool: String) async throws(GatewayError) -> [String: Examination] {
        if accounts.isEmpty { return [:] }
        let reply = try await command(["HMGET", Self.key(pool, "examinations")] + accounts.map { .text($0) })
        var found: [String: Examination] = [:]
        for (account, element) in zip(accounts, reply.elements) {
            if let bytes = element.bytes { found[account] = Examination(bytes) }
        }
        return found
    }

    /// For accounts that are no more.
    package func forget(_ account: String, pool: String) async throws(GatewayError) {
        _ = try await command(["HDEL", Self.key(pool, "examinations"), .text(account)])
    }

    // MARK: Tests of whole pools

    /// False while another one goes on.
    package func begin(_ run: ExaminationRun, pool: String) async throws(GatewayError) -> Bool {
        let claimed = try await command([
            "SET", Self.key(pool, "examining:claim"), .integer(run.began), "NX", "EX", .integer(Self.claimTime),
        ])
        if claimed.isNull { return false }
        try await write(run, pool)
        return true
    }

    /// Keeps the claim as long as the run has not ended.
    package func note(_ run: ExaminationRun, pool: String) async throws(GatewayError) {
        try await write(run, pool)
        let claim = Self.key(pool, "examining:claim")
        if run.ended == nil {
            _ = try await command(["EXPIRE", claim, .integer(Self.claimTime)])
        } else {
            _ = try await command(["DEL", claim])
        }
    }

    /// The latest, and whether it goes on.
    package func run(of pool: String) async throws(GatewayError) -> (run: ExaminationRun, goesOn: Bool)? {
        guard let bytes = try await command(["GET", Self.key(pool, "examining")]).bytes, let run = ExaminationRun(bytes)
        else { return nil }
        let goesOn = try await command(["EXISTS", Self.key(pool, "examining:claim")]).int == 1
        return (run, goesOn && run.ended == nil)
    }

    private func write(_ run: ExaminationRun, _ pool: String) async throws(GatewayError) {
        var writer = JSONWriter()
        writer.beginObject()
        run.writeMembers(to: &writer)
        writer.endObject()
        let key = Self.key(pool, "examining")
        _ = try await command(["SET", key, .bytes(writer.take()), "EX", .integer(Self.runLifetime)])
    }

    private func command(_ words: [RedisArgument]) async throws(GatewayError) -> RedisReply {
        do throws(RedisError) {
            return try await redis.command(words)
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static func key(_ pool: String, _ name: String) -> RedisArgument {
        .text("millrace:{pool:\(pool)}:\(name)")
    }
}
