internal import Core
internal import EventLoop

/// The one connection of a client that only listens: all subscriptions share it. It is kept alive, asked for signs of
/// life, and closed with the last of them.
@LoopActor
final class RedisListener {
    /// What one subscription wants to hear.
    @LoopActor
    final class Ear {
        let channels: [String]
        let onEvent: @LoopActor (RedisSubscription.Event) -> Void
        /// Channels that Redis has not confirmed yet.
        var missing: Set<String>
        var isLive = false

        init(_ channels: [String], _ onEvent: @escaping @LoopActor (RedisSubscription.Event) -> Void) {
            self.channels = channels
            self.onEvent = onEvent
            missing = Set(channels)
        }
    }

    private let options: RedisOptions
    private var ears: [Ear] = []
    private var link: RedisLink?
    private var heartbeat: LoopTimer?
    private var isAwaitingPong = false
    private(set) var isClosed = false
    private(set) var lastHeard = LoopClock.now

    init(to address: RedisAddress, through locator: (any RedisLocator)?, options: RedisOptions, log: Log) {
        self.options = options
        // Unowned: `close` silences both.
        heartbeat = LoopTimer { [unowned self] in checkLife() }
        link = RedisLink(to: address, through: locator, options: options, log: log) { [unowned self] in received($0) }
        link?.start()
    }

    isolated deinit { close() }

    func add(_ ear: Ear) {
        ears.append(ear)
        ask(for: ear.channels)
    }

    func remove(_ ear: Ear) {
        guard let place = ears.firstIndex(where: { $0 === ear }) else { return }
        ears.remove(at: place)
        ear.isLive = false
        if ears.isEmpty { return close() }
        let unheard = ear.channels.filter { channel in !ears.contains { $0.channels.contains(channel) } }
        if !unheard.isEmpty { link?.connection?.send(["UNSUBSCRIBE"] + unheard.map { .text($0) }) }
    }

    private func close() {
        isClosed = true
        link?.close()
        heartbeat?.close()
    }

    private func ask(for channels: [String]) {
        link?.connection?.send(["SUBSCRIBE"] + channels.map { .text($0) })
    }

    private func received(_ event: RedisLink.Event) {
        switch event {
        case .ready:
            isAwaitingPong = false
            for ear in ears {
                ear.missing = Set(ear.channels)
                ask(for: ear.channels)
            }
            heartbeat?.schedule(after: options.heartbeat)
        case .failed:
            heartbeat?.cancel()
            // Whoever is told may close its own or another subscription.
            for ear in ears where ear.isLive {
                ear.isLive = false
                ear.onEvent(.lost)
            }
        case .reply(.error(let words)): link?.fail(RedisError(reply: words))
        case .reply(let reply):
            isAwaitingPong = false
            lastHeard = link?.connection?.lastRead ?? lastHeard
            receivedPush(reply.elements)
        }
    }

    private func receivedPush(_ elements: [RedisReply]) {
        guard elements.count == 3, case .bulk(let kind) = elements[0], let channel = elements[1].text else { return }
        if kind.equals("message"), let payload = elements[2].bytes {
            for ear in ears where ear.channels.contains(channel) {
                ear.onEvent(.message(channel: channel, payload: payload))
            }
        } else if kind.equals("subscribe") {
            for ear in ears where ear.missing.remove(channel) != nil && ear.missing.isEmpty {
                ear.isLive = true
                ear.onEvent(.established)
            }
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
