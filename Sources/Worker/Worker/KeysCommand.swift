import Core
import EventLoop
import Glibc
import Redis
import State

/// `Worker keys …`: makes, lists and revokes API keys. The text of a key is printed once, when it is made.
@LoopActor
enum KeysCommand {
    enum Action: Sendable {
        case add(name: String, owner: String, models: [String], days: Int?)
        case list
        case enable(String, Bool)
        case remove(String)
    }

    /// Returns the exit status.
    static func run(_ action: Action, _ configuration: Configuration) async -> Int32 {
        do {
            // Somebody waits at a terminal: there is more time than a request has.
            var patient = configuration
            patient.redisTimeout = .seconds(5)
            guard let state = try ClusterState(patient, log: StandardStreams.log(level: .error)) else {
                throw UsageError(message: "REDIS_URL must be set: the keys are kept there")
            }
            state.redis.start()
            let isKnown = try await perform(action, state.keyRing)
            await state.close()
            if !isKnown { StandardStreams.complain("Worker: there is no such key") }
            return isKnown ? 0 : 1
        } catch let error as GatewayError {
            StandardStreams.complain("Worker: \(error.message)")
            return 1
        } catch let error as UsageError {
            StandardStreams.complain("Worker: \(error.message)")
            return 64
        } catch {
            StandardStreams.complain("Worker: \(error)")
            return 70
        }
    }

    private static func perform(_ action: Action, _ ring: KeyRing) async throws(GatewayError) -> Bool {
        switch action {
        case .add(let name, let owner, let models, let days):
            let expires = days.map { time(nil) + $0 * 86_400 }
            let key = try await ring.create(name: name, owner: owner, expires: expires, models: models)
            StandardStreams.print(key.text)
            return true
        case .list:
            try await list(ring)
            return true
        case .enable(let digest, let isEnabled): return try await ring.setEnabled(isEnabled, digest)
        case .remove(let digest): return try await ring.remove(digest)
        }
    }

    private static func list(_ ring: KeyRing) async throws(GatewayError) {
        let pageSize = 500
        var start = 0
        while true {
            let page = try await ring.page(from: start, count: pageSize)
            for key in page {
                let state = key.isUsable(at: time(nil)) ? "usable" : key.isEnabled ? "expired" : "disabled"
                let models = key.models.isEmpty ? "all models" : key.models.joined(separator: ",")
                StandardStreams.print("\(key.digest)  \(state)  \(key.name)  \(key.owner)  \(models)")
            }
            guard page.count == pageSize else { return }
            start += pageSize
        }
    }
}
