import Core
import EventLoop
import Redis
import State

/// The directory of the engines that the operator runs.
@LoopActor
enum Engines {
    static func directory(_ configuration: Configuration, redis: RedisClient?) throws(UsageError) -> EngineDirectory {
        do throws(EngineProblem) {
            return EngineDirectory(
                redis: redis,
                configured: try configuration.engines.map { text throws(EngineProblem) in try Engine.list(text) } ?? [],
                keys: try configuration.engineKeys.map { text throws(EngineProblem) in try Engine.keys(text) } ?? [:]
            )
        } catch {
            throw UsageError(message: error.message)
        }
    }
}
