internal import Core
internal import EventLoop
internal import Glibc

/// Keeps one connection to Redis alive: locates, resolves, connects, greets (AUTH, SELECT, PING), and starts over after
/// a random wait when anything goes wrong, until it is closed. What travels on the connection is the owner's business.
@LoopActor
final class RedisLink {
    enum Event {
        /// Authenticated, on the right database, and answering.
        case ready
        case reply(RedisReply)
        /// The connection, or an attempt to get one, has failed; the next attempt is scheduled already.
        case failed(RedisError)
    }

    /// `start`: idle → locating → resolving → connecting → greeting → ready; any failure → waiting → locating;
    /// `close`: → closed.
    private enum State {
        case idle
        case locating
        case resolving
        case connecting(RedisConnection)
        case greeting(RedisConnection, missingReplies: Int)
        case ready(RedisConnection)
        case waiting
        case closed
    }

    private let address: RedisAddress
    private let locator: (any RedisLocator)?
    private let options: RedisOptions
    private let log: Log
    private let onEvent: @LoopActor (Event) -> Void
    private var state = State.idle
    private var backoff: Backoff
    private var random = SystemRandomNumberGenerator()
    /// Ends an attempt that takes too long, or a wait.
    private var timer: LoopTimer?
    private var attempts = 0
    private var lastReason = ""
    /// What this attempt connects to, or has connected to; before its name is resolved.
    private(set) var target: RedisAddress.Endpoint?
    private var readySince = Instant.distantFuture

    /// With a `locator` that one says where to connect; the address then only says how to enter.
    init(
        to address: RedisAddress,
        through locator: (any RedisLocator)? = nil,
        options: RedisOptions,
        log: Log,
        _ onEvent: @escaping @LoopActor (Event) -> Void
    ) {
        self.address = address
        self.locator = locator
        self.options = options
        self.log = log
        self.onEvent = onEvent
        backoff = Backoff(from: options.shortestBackoff, to: options.longestBackoff)
        // Unowned: `close` silences the timer, and the connections below.
        timer = LoopTimer { [unowned self] in timerFired() }
        locator?.add(self)
    }

    /// The connection while it is ready for the owner's commands.
    var connection: RedisConnection? {
        if case .ready(let connection) = state { connection } else { nil }
    }

    func start() {
        guard case .idle = state else { return }
        connect()
    }

    /// Ends for good; nothing is reported afterwards.
    func close() {
        dropConnection()
        state = .closed
        timer?.close()
    }

    /// Gives the present connection up, as useless for the reason given, and gets another one.
    func fail(_ error: RedisError) {
        fail(error, retryingAfter: backoff.next(using: &random))
    }

    /// The server is to be found elsewhere from now on: goes there at once, whatever the link is doing.
    func serverMoved(_ reason: String) {
        switch state {
        // An attempt that has not yet been told where to go will be told the news.
        case .idle, .locating, .closed: return
        case .waiting: timer?.schedule(after: .zero)
        case .resolving, .connecting, .greeting, .ready:
            backoff.reset()
            fail(RedisError(.connectionLost, reason), retryingAfter: .zero)
        }
    }

    /// The server says that it is not, or no longer, the master. Where another one may be found under the same address
    /// it is looked for: sentinels know, and a name or a socket may lead to another server. If a name keeps leading to
    /// the same replica there is no point in asking again and again.
    func lostMaster(_ error: RedisError) {
        guard case .ready = state else { return }
        if let locator {
            if locator.wantsMaster { fail(error) }
        } else if case .tcp(let host, _)? = target, Self.isNumeric(host) {
            return
        } else if LoopClock.now.milliseconds(since: readySince) > 1_000 {
            fail(error)
        }
    }

    isolated deinit { close() }

    private func fail(_ error: RedisError, retryingAfter wait: Duration) {
        if case .closed = state { return }
        dropConnection()
        state = .waiting
        timer?.schedule(after: wait)
        report(error, wait)
        onEvent(.failed(error))
    }

    private func connect() {
        attempts += 1
        guard let locator else {
            // One server has one endpoint; of several equal ones the next is tried.
            return resolve(address.endpoints[(attempts - 1) % address.endpoints.count])
        }
        state = .locating
        target = nil
        // A locator has deadlines of its own.
        timer?.cancel()
        let attempt = attempts
        locator.locate { [weak self] result in
            guard let self, case .locating = state, attempt == attempts else { return }
            switch result {
            case .success(let endpoint): resolve(endpoint)
            case .failure(let error): fail(error)
            }
        }
    }

    private func resolve(_ endpoint: RedisAddress.Endpoint) {
        state = .resolving
        target = endpoint
        timer?.schedule(after: options.connectTimeout)
        guard case .tcp(let host, let port) = endpoint, !Self.isNumeric(host) else {
            open(endpoint)
            return
        }
        let attempt = attempts
        // Owned by this attempt: an answer that comes after the attempt was given up is ignored.
        Task { @LoopActor in
            do throws(LoopError) {
                let found = try await NameResolver.addresses(of: host)
                guard isResolving(attempt) else { return }
                // Each attempt tries the next of the addresses; a resolver that succeeds has found at least one.
                open(.tcp(host: found.isEmpty ? host : found[(attempt - 1) % found.count], port: port))
            } catch {
                guard isResolving(attempt) else { return }
                fail(RedisError(.connectionLost, error.reason))
            }
        }
    }

    private func isResolving(_ attempt: Int) -> Bool {
        if case .resolving = state { attempt == attempts } else { false }
    }

    private func open(_ endpoint: RedisAddress.Endpoint) {
        do throws(RedisError) {
            let attempt = attempts
            state = .connecting(
                try RedisConnection(to: endpoint, replyLimit: options.replyLimit) { [unowned self] event in
                    if attempts == attempt { received(event) }
                }
            )
        } catch {
            fail(error)
        }
    }

    private func received(_ event: RedisConnection.Event) {
        switch (event, state) {
        case (.opened, .connecting(let connection)):
            state = .greeting(connection, missingReplies: greet(connection))
        case (.reply(let reply), .greeting(let connection, let missing)):
            if case .error(let words) = reply {
                fail(RedisError(reply: words))
            } else if missing > 1 {
                state = .greeting(connection, missingReplies: missing - 1)
            } else if locator?.wantsMaster == true, reply.elements.first?.text != "master" {
                fail(RedisError(.connectionLost, "the server is not a master"))
            } else {
                becomeReady(connection)
            }
        case (.reply(let reply), .ready): onEvent(.reply(reply))
        case (.failed(let error), _): fail(error)
        default: break
        }
    }

    /// Sends everything that must precede the owner's commands and returns how many replies it will bring. The owner
    /// waits for them: on the wrong database a command would do harm.
    private func greet(_ connection: RedisConnection) -> Int {
        var count = 1
        if let password = address.password {
            if let user = address.user {
                connection.send(["AUTH", .text(user), .text(password)])
            } else {
                connection.send(["AUTH", .text(password)])
            }
            count += 1
        }
        if address.database != 0 {
            connection.send(["SELECT", .integer(address.database)])
            count += 1
        }
        // Finds out whether a password is missing, the data is still being loaded, or nobody answers at all.
        connection.send(["PING"])
        if locator?.wantsMaster == true {
            connection.send(["ROLE"])
            count += 1
        }
        return count
    }

    private func becomeReady(_ connection: RedisConnection) {
        state = .ready(connection)
        readySince = LoopClock.now
        timer?.cancel()
        backoff.reset()
        lastReason = ""
        log(.info, "redis connected", LogField("address", place), LogField("attempt", attempts))
        onEvent(.ready)
    }

    private func timerFired() {
        switch state {
        case .waiting: connect()
        case .resolving, .connecting, .greeting: fail(RedisError(.connectionLost, "connecting took too long"))
        case .idle, .locating, .ready, .closed: break
        }
    }

    /// For logs: the server itself where it had to be found first.
    private var place: String {
        guard locator != nil, let target else { return address.description }
        return target.description
    }

    private func dropConnection() {
        switch state {
        case .connecting(let connection), .greeting(let connection, _), .ready(let connection): connection.close()
        case .idle, .locating, .resolving, .waiting, .closed: break
        }
    }

    /// A reason is a warning once; its repetitions are of interest only to those who debug.
    private func report(_ error: RedisError, _ wait: Duration) {
        log(
            error.message == lastReason ? .debug : .warning,
            "redis connection failed",
            LogField("address", place),
            LogField("reason", error.message),
            LogField("code", error.label),
            LogField("retry_in_ms", Int(wait.milliseconds))
        )
        lastReason = error.message
    }

    private static func isNumeric(_ host: String) -> Bool {
        var address = in6_addr()
        return [AF_INET, AF_INET6].contains { unsafe inet_pton($0, host, &address) == 1 }
    }
}
