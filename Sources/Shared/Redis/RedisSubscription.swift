internal import Core
package import EventLoop

/// Listens to channels on a connection of its own, which is kept alive and asked for signs of life until `close()`.
///
/// Redis keeps nothing for those who are away, so the owner is told each time the subscription (again) holds and must
/// then distrust whatever messages would have changed.
@LoopActor
package final class RedisSubscription {
    private let channels: [String]
    private let options: RedisOptions
    private let onMessage: @LoopActor (_ channel: String, _ payload: [UInt8]) -> Void
    private let onEstablished: @LoopActor () -> Void
    private var link: RedisLink?
    private var heartbeat: LoopTimer?
    private var isAwaitingPong = false
    private var missingConfirmations = 0

    /// Whether messages arrive at present, as far as can be known.
    package private(set) var isLive = false

    init(
        to address: RedisAddress,
        _ channels: [String],
        options: RedisOptions,
        log: Log,
        onMessage: @escaping @LoopActor (_ channel: String, _ payload: [UInt8]) -> Void,
        onEstablished: @escaping @LoopActor () -> Void
    ) {
        self.channels = channels
        self.options = options
        self.onMessage = onMessage
        self.onEstablished = onEstablished
        heartbeat = LoopTimer { [weak self] in self?.checkLife() }
        link = RedisLink(to: address, options: options, log: log) { [weak self] in self?.received($0) }
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
            isLive = false
            heartbeat?.cancel()
        case .reply(.error(let words)): link?.fail(RedisError(reply: words))
        case .reply(let reply):
            isAwaitingPong = false
            receivedPush(reply.elements)
        }
    }

    private func receivedPush(_ elements: [RedisReply]) {
        guard case .bulk(let kind)? = elements.first else { return }
        if kind.equals("message"), elements.count == 3, let channel = elements[1].text, let payload = elements[2].bytes
        {
            onMessage(channel, payload)
        } else if kind.equals("subscribe"), missingConfirmations > 0 {
            missingConfirmations -= 1
            guard missingConfirmations == 0 else { return }
            isLive = true
            onEstablished()
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
    /// Listens to `channels`. `onEstablished` is called whenever the subscription holds, the first time too. The caller
    /// keeps the subscription and closes it.
    package func subscribe(
        _ channels: [String],
        onMessage: @escaping @LoopActor (_ channel: String, _ payload: [UInt8]) -> Void,
        onEstablished: @escaping @LoopActor () -> Void
    ) -> RedisSubscription {
        RedisSubscription(
            to: address,
            channels,
            options: options,
            log: log,
            onMessage: onMessage,
            onEstablished: onEstablished
        )
    }
}
