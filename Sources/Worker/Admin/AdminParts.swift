package import Core
package import Crypto
package import EventLoop
package import Redis
package import State

/// What a worker gives its administration. What is missing is answered with 404.
@LoopActor
package struct AdminParts {
    package var username = "admin"
    /// Without one there is no administration.
    package var password: String?
    package var redis: RedisClient?
    package var keyRing: KeyRing?
    package var limits: RateLimits?
    package var pools: [AccountPool] = []
    /// By pool.
    package var credentialForms: [String: CredentialForm] = [:]
    /// Tests an account at its upstream.
    package var examine: (@LoopActor (Account) async throws(GatewayError) -> Examination)?
    package var examinations: ExaminationBook?
    package var ledger: Ledger?
    package var settings: Settings?
    package var directory: WorkerDirectory?
    /// The prices in force.
    package var prices: @LoopActor () -> Prices? = { nil }
    package var sessions = AdminSessions.Options()
    package var logins = LoginLimits.Options()
    package var passwordCost = PasswordKey.Cost.interactive
    /// Seconds since 1970.
    package var now: @LoopActor () -> Int
    package var log: Log

    package init(log: Log, now: @escaping @LoopActor () -> Int) {
        self.log = log
        self.now = now
    }
}

extension AdminParts {
    func pool(_ name: String) throws(GatewayError) -> AccountPool {
        guard let pool = pools.first(where: { $0.name == name }) else {
            throw .invalid(nil, "There is no such pool.", code: .notFound)
        }
        return pool
    }
}
