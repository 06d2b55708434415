internal import Crypto
package import EventLoop
package import Redis

/// What vendors want back with the next turn and clients do not carry: the reasoning that led to a tool call, under the
/// id of that call, for whichever worker serves the next turn.
///
/// Redis holds `millrace:{reasoning:<digest>}`, where the digest is of the owner and the call's id together: what one key
/// has kept no other can find, not even one that guesses ids. It is a convenience that fails open: without it vendors
/// reason anew.
@LoopActor
package final class ReasoningStore {
    package struct Options: Sendable {
        package var lifetime = Duration.seconds(86_400)
        /// What is larger is not kept.
        package var largest = 256 << 10
        /// How many calls of one conversation are looked up.
        package var mostCalls = 256

        package init() {}
    }

    private let redis: RedisClient
    private let options: Options

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
    }

    /// Kept, or not to be kept, when this returns: whoever hears of the call afterwards finds it.
    package func keep(_ state: [UInt8], of call: String, owner: String) async {
        guard state.count <= options.largest else { return }
        let seconds = Int(options.lifetime.components.seconds)
        _ = try? await redis.command(["SET", .text(Self.key(call, owner)), .bytes(state), "EX", .integer(seconds)])
    }

    /// What is kept of these calls. What cannot be found, Redis' silence included, is left out.
    package func states(of calls: [String], owner: String) async -> [String: [UInt8]] {
        let wanted = calls.suffix(options.mostCalls)
        var found: [String: [UInt8]] = [:]
        // Asked for together, answered together.
        let answers = wanted.map { call in
            Task.immediate { @LoopActor [redis] in try? await redis.command(["GET", .text(Self.key(call, owner))]) }
        }
        for (call, answer) in zip(wanted, answers) {
            if let state = await answer.value?.bytes { found[call] = state }
        }
        return found
    }

    private static func key(_ call: String, _ owner: String) -> String {
        "millrace:{reasoning:\(SHA256Digest(of: owner + "\n" + call).hex)}"
    }
}
