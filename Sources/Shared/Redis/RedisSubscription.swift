package import Core
package import EventLoop

/// Listens to channels until `close()`.
///
/// Redis keeps nothing for those who are away, so the owner is told when the subscription is lost and when it holds
/// again, and must then distrust whatever missed messages would have changed.
@LoopActor
package final class RedisSubscription {
    package enum Event: Sendable {
        /// From now on messages arrive; the first time, and again after each loss.
        case established
        case message(channel: String, payload: [UInt8])
        /// Messages may be missed. The last moment at which the subscription is known to have held was `lastHeard`.
        case lost
    }

    private let ear: RedisListener.Ear
    private let listener: RedisListener

    init(_ channels: [String], on listener: RedisListener, _ onEvent: @escaping @LoopActor (Event) -> Void) {
        self.listener = listener
        ear = RedisListener.Ear(channels, onEvent)
        listener.add(ear)
    }

    /// Whether messages arrive at present, as far as can be known.
    package var isLive: Bool { ear.isLive }
    /// When something last came from Redis.
    package var lastHeard: Instant { listener.lastHeard }

    package func close() { listener.remove(ear) }

    isolated deinit { close() }
}

extension RedisClient {
    /// Listens to `channels` from now on: on the master that sentinels name, on any node of a cluster, and elsewhere
    /// when that changes. The caller keeps the subscription and closes it.
    package func subscribe(
        _ channels: [String],
        _ onEvent: @escaping @LoopActor (RedisSubscription.Event) -> Void
    ) -> RedisSubscription {
        if let listener, !listener.isClosed { return RedisSubscription(channels, on: listener, onEvent) }
        let first = RedisListener(to: address, through: locator, options: options, log: log)
        listener = first
        return RedisSubscription(channels, on: first, onEvent)
    }
}
