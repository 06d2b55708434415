internal import Core
internal import EventLoop

/// Asks sentinels where the master is, and listens to one of them for the moment at which that changes.
///
/// A sentinel may be behind the others, so its word is only a hint: the link asks the server itself whether it is a
/// master, and asks here again when it is not.
@LoopActor
final class RedisSentinels: RedisLocator {
    private let address: RedisAddress
    private let master: String
    private let options: RedisOptions
    private let log: Log
    /// The one that answered last comes first.
    private var sentinels: [RedisAddress.Endpoint]
    private var waiters: [@LoopActor (Result<RedisAddress.Endpoint, RedisError>) -> Void] = []
    private var followers = LinkFollowers()
    private var subscription: RedisSubscription?
    /// What a sentinel announced lately. The others may not know it yet, so for a moment they are not asked.
    private var announced: (endpoint: RedisAddress.Endpoint, until: Instant)?
    private var announcements = 0
    private var isClosed = false

    /// How long one sentinel may take to answer, the connection included.
    private static let patience = Duration.milliseconds(250)
    private static let channel = "+switch-master"

    let wantsMaster = true

    init(_ address: RedisAddress, master: String, options: RedisOptions, log: Log) {
        self.address = address
        self.master = master
        self.options = options
        self.log = log
        sentinels = address.endpoints
    }

    func start() {
        guard subscription == nil, !isClosed else { return }
        let sentinels = address.sentinels(sentinels)
        let listener = RedisListener(to: sentinels, through: nil, options: options, log: log)
        subscription = RedisSubscription([Self.channel], on: listener) { [weak self] in self?.heard($0) }
    }

    func close() {
        isClosed = true
        subscription?.close()
        subscription = nil
        answer(.failure(RedisError(.closed, "the client is closed")))
    }

    func add(_ link: RedisLink) {
        followers.add(link)
    }

    func locate(_ completion: @escaping @LoopActor (Result<RedisAddress.Endpoint, RedisError>) -> Void) {
        if isClosed { return completion(.failure(RedisError(.closed, "the client is closed"))) }
        if let announced, LoopClock.now < announced.until { return completion(.success(announced.endpoint)) }
        waiters.append(completion)
        guard waiters.count == 1 else { return }
        // One search at a time, for everybody who waits; it ends by its deadlines.
        Task { @LoopActor [weak self] in
            guard let result = await self?.search() else { return }
            self?.answer(result)
        }
    }

    private func answer(_ result: Result<RedisAddress.Endpoint, RedisError>) {
        let waiting = waiters
        waiters = []
        for completion in waiting { completion(result) }
    }

    private func search() async -> Result<RedisAddress.Endpoint, RedisError> {
        var last = RedisError(.connectionLost, "no sentinel answers")
        for sentinel in sentinels {
            do throws(RedisError) {
                let endpoint = try await ask(sentinel)
                sentinels.removeAll { $0 == sentinel }
                sentinels.insert(sentinel, at: 0)
                return .success(endpoint)
            } catch {
                last = error
            }
        }
        return .failure(RedisError(.connectionLost, "no sentinel knows the master: \(last.message)"))
    }

    private func ask(_ sentinel: RedisAddress.Endpoint) async throws(RedisError) -> RedisAddress.Endpoint {
        var options = options
        options.timeout = Self.patience
        // A sentinel that cannot be reached is not waited for: there are others.
        options.breakerThreshold = 1
        let client = RedisClient(address: address.sentinels([sentinel]), options: options, log: .silent)
        client.start()
        defer { client.close() }
        let reply = try await client.command(["SENTINEL", "get-master-addr-by-name", .text(master)])
        guard let endpoint = Self.endpoint(reply.elements.map(\.text)) else {
            throw RedisError(.invalidReply, "the sentinel does not know the name")
        }
        return endpoint
    }

    private func heard(_ event: RedisSubscription.Event) {
        switch event {
        case .established: verify()
        case .lost: break
        case .message(_, let payload):
            // "name old-address old-port new-address new-port"
            let words = payload.text.split(separator: " ").map { String($0) }
            guard words.count == 5, words[0] == master, let endpoint = Self.endpoint([words[3], words[4]]) else {
                return
            }
            announced = (endpoint, LoopClock.now.advanced(by: .seconds(1)))
            announcements += 1
            answer(.success(endpoint))
            follow(endpoint)
        }
    }

    /// A change may have been announced while nobody listened. A single sentinel that is behind must not lead anybody
    /// back to an old master, so this takes what most of them say.
    private func verify() {
        let heard = announcements
        // Owned by the subscription's event; it ends by its deadlines.
        Task { @LoopActor [weak self] in
            var votes: [RedisAddress.Endpoint: Int] = [:]
            for sentinel in self?.sentinels ?? [] {
                guard let endpoint = try? await self?.ask(sentinel) else { continue }
                votes[endpoint, default: 0] += 1
            }
            guard let self, !isClosed, heard == announcements else { return }
            for (endpoint, count) in votes where count * 2 > sentinels.count { follow(endpoint) }
        }
    }

    private func follow(_ endpoint: RedisAddress.Endpoint) {
        for link in followers.links where link.target != endpoint { link.serverMoved("the master has moved") }
    }

    private static func endpoint(_ words: [String?]) -> RedisAddress.Endpoint? {
        guard words.count == 2, let host = words[0], !host.isEmpty, let port = words[1].flatMap({ UInt16($0) }),
            port > 0
        else { return nil }
        return .tcp(host: host, port: port)
    }
}
