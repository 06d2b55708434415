internal import Core
package import EventLoop
package import Redis

/// The engines there are: those of the configuration, and those that have entered themselves into Redis and whose heart
/// beats. Each worker keeps its own view, read anew every few seconds and whenever something is said to have changed, and
/// its own opinion of how each engine does. While Redis is away the last view stays.
@LoopActor
package final class EngineDirectory {
    static let set: StaticString = "millrace:{engines}"
    static let prefix = "millrace:{engines}:"
    static let channel = "millrace:engines"
    private static let interval = Duration.seconds(2)
    /// More would be somebody's mistake.
    private static let most = 10_000

    private let redis: RedisClient?
    private let configured: [Engine]
    private let keys: [String: String]
    private var byModel: [String: [Engine]] = [:]
    private var health: [String: EngineHealth] = [:]
    private var timer: LoopTimer?
    private var subscription: RedisSubscription?
    private var isReading = false
    private var isStale = false

    /// `keys` are those that engines may ask for, by name; no other secret of the worker can be had by a record.
    package init(redis: RedisClient?, configured: [Engine] = [], keys: [String: String] = [:]) {
        self.redis = redis
        self.configured = configured
        self.keys = keys
        take([])
        timer = LoopTimer { [unowned self] in
            read()
            timer?.schedule(after: Self.interval)
        }
    }

    isolated deinit { close() }

    package func start() {
        guard let redis, subscription == nil else { return }
        subscription = redis.subscribe([Self.channel]) { [weak self] event in
            if case .lost = event { return }
            self?.read()
        }
        read()
        timer?.schedule(after: Self.interval)
    }

    package func close() {
        subscription?.close()
        subscription = nil
        timer?.close()
    }

    /// Every model that some engine serves, or will.
    package var models: [(model: String, task: Engine.Task)] {
        byModel.keys.sorted().flatMap { model in
            Set((byModel[model] ?? []).map(\.task)).sorted { $0.rawValue < $1.rawValue }.map { (model, $0) }
        }
    }

    package var isEmpty: Bool { byModel.isEmpty }

    /// Whether there is any engine for the model, be it one that cannot serve now.
    package func knows(_ model: String, _ task: Engine.Task) -> Bool {
        byModel[model]?.contains { $0.task == task } ?? false
    }

    package func knows(_ model: String) -> Bool { byModel[model] != nil }

    /// The engines that can serve the model now, those with the least to do first.
    package func engines(for model: String, task: Engine.Task) -> [Engine] {
        let now = LoopClock.now
        return (byModel[model] ?? [])
            .compactMap { engine -> (engine: Engine, load: Double)? in
                guard engine.task == task, engine.state == .ready else { return nil }
                let seen = health[engine.url] ?? EngineHealth()
                guard seen.mayServe(at: now), seen.inFlight < engine.maxInFlight else { return nil }
                return (engine, Double(seen.inFlight) / Double(engine.maxInFlight))
            }
            // Idle ones in an order of this moment's, lest all workers begin with the same.
            .shuffled()
            .sorted { $0.load < $1.load }
            .map(\.engine)
    }

    /// The key that the engine wants; empty where it wants none, or names one that nobody gave.
    package func key(of engine: Engine) -> String { keys[engine.keyName] ?? "" }

    package func began(_ engine: Engine) { health[engine.url, default: EngineHealth()].began() }
    package func succeeded(_ engine: Engine) { health[engine.url]?.succeeded() }
    package func failed(_ engine: Engine) { health[engine.url]?.failed(at: LoopClock.now) }
    package func abandoned(_ engine: Engine) { health[engine.url]?.abandoned() }

    private func take(_ registered: [Engine]) {
        // What an engine says of itself is newer than what the operator once wrote down.
        let entered = Set(registered.map { [$0.url, $0.model, $0.task.rawValue] })
        let engines = registered + configured.filter { !entered.contains([$0.url, $0.model, $0.task.rawValue]) }
        byModel = Dictionary(grouping: engines, by: \.model)
        let known = Set(engines.map(\.url))
        health = health.filter { known.contains($0.key) || $0.value.inFlight > 0 }
    }

    /// One reading at a time; what changes meanwhile is read after it.
    private func read() {
        guard let redis else { return }
        guard !isReading else {
            isStale = true
            return
        }
        isReading = true
        isStale = false
        redis.evaluate(
            StateScripts.engineList,
            keys: [.literal(Self.set)],
            arguments: [.text(Self.prefix), .integer(Self.most)]
        ) { [weak self] result in
            guard let self else { return }
            isReading = false
            if case .success(let reply) = result {
                take(reply.elements.compactMap { $0.bytes.flatMap { Engine(record: $0) } })
            }
            if isStale { read() }
        }
    }
}

extension StateScripts {
    static let engineList = RedisScript("engine-list", source: PackageResources.engine_list_lua)
}
