package import Core
package import EventLoop
package import Redis

/// The workers that live, each entered by itself with every heartbeat and gone soon after its last one.
@LoopActor
package final class WorkerDirectory {
    package struct Options: Sendable {
        package var interval = Duration.seconds(2)
        /// After so much silence a worker counts as dead.
        package var lifetime = Duration.seconds(8)
        /// How long a snapshot of metrics is shown.
        package var snapshotLifetime = Duration.seconds(15)

        package init() {}
    }

    static let set: StaticString = "millrace:{workers}"
    static let prefix = "millrace:{workers}:"
    static let metrics = ":metrics"

    package let identity: WorkerIdentity
    private let redis: RedisClient
    private let options: Options
    private let status: @LoopActor () -> WorkerStatus
    private var timer: LoopTimer?
    private var snapshot: [UInt8] = []
    private var isEntered = false

    /// How many workers there were at the last heartbeat, this one included. Redis being away changes nothing.
    package private(set) var living = 1

    /// `status` is asked right before each heartbeat, and may publish a snapshot on that occasion.
    package init(
        redis: RedisClient,
        identity: WorkerIdentity,
        options: Options = Options(),
        status: @escaping @LoopActor () -> WorkerStatus
    ) {
        self.redis = redis
        self.identity = identity
        self.options = options
        self.status = status
        timer = LoopTimer { [unowned self] in
            beat()
            timer?.schedule(after: self.options.interval)
        }
    }

    isolated deinit { close() }

    /// Enters this worker and keeps it entered.
    package func start() {
        guard !isEntered else { return }
        isEntered = true
        beat()
        timer?.schedule(after: options.interval)
    }

    /// Shows these bytes to the others from the next heartbeat on.
    package func publish(snapshot: [UInt8]) {
        self.snapshot = snapshot
    }

    /// Enters what has changed without waiting for the next heartbeat.
    package func beat() {
        guard isEntered else { return }
        let status = status()
        redis.evaluate(
            StateScripts.workerBeat,
            keys: keys,
            arguments: [
                .text(identity.id), .integer(Int(options.lifetime.milliseconds)), .bytes(snapshot),
                .integer(Int(options.snapshotLifetime.milliseconds)),
                "host", .text(identity.host), "pid", .integer(identity.pid), "address", .text(identity.address),
                "version", .text(identity.version), "started", .integer(identity.started),
                "requests", .integer(status.openRequests), "streams", .integer(status.openStreams),
                "draining", status.isDraining ? "1" : "0",
            ]
        ) { [weak self] result in
            // A beat that was lost is made up for by the next one.
            guard case .success(let reply) = result, let self else { return }
            living = max(1, reply.int ?? 1)
        }
    }

    /// Takes this worker out at once, rather than after its lifetime.
    package func goodbye() async {
        guard isEntered else { return }
        close()
        do throws(RedisError) {
            _ = try await redis.evaluate(StateScripts.workerLeave, keys: keys, arguments: [.text(identity.id)])
        } catch {
            // Redis forgets it by itself.
            return
        }
    }

    package func close() {
        isEntered = false
        timer?.close()
    }

    /// All workers that live, by id.
    package func list() async throws(GatewayError) -> [WorkerRow] {
        let reply = try await read(StateScripts.workerList)
        return stride(from: 0, to: reply.count - 2, by: 3).compactMap { place in
            guard let id = reply[place].text else { return nil }
            return WorkerRow(
                id: id,
                fields: reply[place + 2].fields,
                silence: .milliseconds(max(0, reply[place + 1].int ?? 0))
            )
        }
    }

    /// The latest snapshots of all other workers that live; of those that publish any.
    package func snapshots() async throws(GatewayError) -> [(id: String, bytes: [UInt8])] {
        let reply = try await read(StateScripts.workerSnapshots)
        return stride(from: 0, to: reply.count - 1, by: 2).compactMap { place in
            guard let id = reply[place].text, id != identity.id, let bytes = reply[place + 1].bytes else { return nil }
            return (id, bytes)
        }
    }

    private var keys: [RedisArgument] {
        let own = Self.prefix + identity.id
        return [.literal(Self.set), .text(own), .text(own + Self.metrics)]
    }

    private func read(_ script: RedisScript) async throws(GatewayError) -> [RedisReply] {
        do throws(RedisError) {
            return try await redis.evaluate(
                script,
                keys: [.literal(Self.set)],
                arguments: [.integer(Int(options.lifetime.milliseconds)), .text(Self.prefix), .text(Self.metrics)],
                timeout: .seconds(1)
            ).elements
        } catch {
            throw .stateUnavailable(error)
        }
    }
}
