package import Core
package import EventLoop

/// Listens to channels on a connection of its own, which is kept alive and asked for signs of life until `close()`.
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

    private let channels: [String]
    private let options: RedisOptions
    private let onEvent: @LoopActor (Event) -> Void
    private var link: RedisLink?
    private var heartbeat: LoopTimer?
    private var isAwaitingPong = false
    private var missingConfirmations = 0

    /// Whether messages arrive at present, as far as can be known.
    package private(set) var isLive = false
    /// When something last came from Redis.
    package private(set) var lastHeard = LoopClock.now

    init(
        to address: RedisAddress,
        through locator: (any RedisLocator)? = nil,
        _ channels: [String],
        options: RedisOptions,
        log: Log,
        _ onEvent: @escaping @LoopActor (Event) -> Void
    ) {
        self.channels = channels
        self.options = options
        self.onEvent = onEvent
        // Unowned: `close` silences both.
        heartbeat = LoopTimer { [unowned self] in checkLife() }
        link = RedisLink(to: address, through: locator, options: options, log: log) { [unowned self] in received($0) }
        link?.start()
    }

    package func close() {
        isLive = false
        link?.close()
        heartbeat?.close()
    }

    isolated deinit { close() }

    private func received(_ event: RedisLink.Event) {
        switch event {
        case .ready:
            missingConfirmations = channels.count
            isAwaitingPong = false
            link?.connection?.send(["SUBSCRIBE"] + channels.map { .text($0) })
            heartbeat?.schedule(after: options.heartbeat)
        case .failed:
            heartbeat?.cancel()
            guard isLive else { return }
            isLive = false
            onEvent(.lost)
        case .reply(.error(let words)): link?.fail(RedisError(reply: words))
        case .reply(let reply):
            isAwaitingPong = false
            lastHeard = link?.connection?.lastRead ?? lastHeard
            receivedPush(reply.elements)
        }
    }

    private func receivedPush(_ elements: [RedisReply]) {
        guard case .bulk(let kind)? = elements.first else { return }
        if kind.equals("message"), elements.count == 3, let channel = elements[1].text, let payload = elements[2].bytes
        {
            onEvent(.message(channel: channel, payload: payload))
        } else if kind.equals("subscribe"), missingConfirmations > 0 {
            missingConfirmations -= 1
            guard missingConfirmations == 0 else { return }
            isLive = true
            onEvent(.established)
        }
    }

    private func checkLife() {
        // After a long turn of the loop the answer may be in the socket already.
        link?.connection?.read()
        guard let connection = link?.connection else { return }
        if isAwaitingPong {
            link?.fail(RedisError(.connectionLost, "redis has not answered for too long"))
        } else {
            isAwaitingPong = true
            connection.send(["PING"])
            heartbeat?.schedule(after: options.heartbeat)
        }
    }
}

extension RedisClient {
    /// Listens to `channels` from now on: on the master that sentinels name, on any node of a cluster, and elsewhere
    /// when that changes. The caller keeps the subscription and closes it.
    package func subscribe(
        _ channels: [String],
        _ onEvent: @escaping @LoopActor (RedisSubscription.Event) -> Void
    ) -> RedisSubscription {
        RedisSubscription(to: address, through: locator, channels, options: options, log: log, onEvent)
    }
}
