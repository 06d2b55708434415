import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

/// A worker as far as limits are concerned: its own connection and its own memory.
@LoopActor
final class LimitWorker {
    let redis: RedisClient
    let limits: RateLimits

    init(_ server: RedisServer, workers: Int = 1, _ change: (inout RateLimits.Options) -> Void = { _ in }) async throws
    {
        var redisOptions = RedisOptions()
        redisOptions.timeout = .seconds(2)
        redisOptions.longestBackoff = .milliseconds(50)
        redisOptions.breakerThreshold = 3
        redis = RedisClient(address: try #require(RedisAddress(server.unixURL)), options: redisOptions, log: .silent)
        var options = RateLimits.Options()
        options.retryInterval = .milliseconds(20)
        change(&options)
        limits = RateLimits(redis: redis, options: options, log: .silent, livingWorkers: { workers })
        redis.start()
        let redis = redis
        await eventually("the worker is connected") { redis.isReady }
    }

    /// Reserves, and throws what stands in the way.
    @discardableResult
    func reserve(_ charge: Charge, _ limits: KeyLimits) async throws(GatewayError) -> RateStatus? {
        let result: Result<RateStatus?, GatewayError> = await withCheckedContinuation { continuation in
            self.limits.reserve(charge, limits) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The error a reservation ends with, if it does.
    func refusal(_ charge: Charge, _ limits: KeyLimits) async -> GatewayError? {
        do throws(GatewayError) {
            try await reserve(charge, limits)
            return nil
        } catch {
            return error
        }
    }

    /// What Redis says once everything sent before has run.
    func usage(_ digest: String, _ limits: KeyLimits) async throws -> KeyUsage {
        await self.limits.drain()
        return try await self.limits.usage(digest, limits)
    }

    /// The end without a goodbye: nothing is settled, nothing renewed.
    func close() {
        limits.close()
        redis.close()
    }
}

extension Charge {
    static let someDigest = String(repeating: "ab", count: 32)

    static func some(_ tokens: Int = 1, cost: Int = 0, digest: String = someDigest) -> Charge {
        Charge(digest: digest, tokens: tokens, cost: cost, isStream: false)
    }
}
