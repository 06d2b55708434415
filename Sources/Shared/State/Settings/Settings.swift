package import Core
package import EventLoop
package import Redis

/// What the operator can change while the cluster runs.
///
/// Redis holds what was changed; the environment, and below it the program, says what the rest is. Every worker listens
/// for changes and re-reads everything after each one and whenever it may have missed one. While Redis is away the last
/// values stay. What somebody else has put into Redis and does not fit is left out with a log line.
@LoopActor
package final class Settings {
    /// Says what is wrong with a text that is of the right kind; nothing when it is good.
    package typealias Check = @LoopActor (String) -> String?

    static let hash: StaticString = "millrace:{settings}"
    static let version: StaticString = "millrace:{settings}:version"
    static let audit: StaticString = "millrace:{settings}:audit"
    static let channel = "millrace:settings"
    /// How long to wait before reading again after Redis did not answer.
    private static let retryInterval = Duration.milliseconds(200)

    let redis: RedisClient
    let definitions: [SettingDefinition]
    private let log: Log
    private let checks: [String: Check]
    /// The texts in force when the cluster has none, and where they come from.
    private(set) var defaults: [String: (text: String, source: Source)] = [:]
    /// The texts the cluster has that are in force.
    private(set) var chosen: [String: String] = [:]
    /// What is in force.
    package private(set) var values = Values()

    private var refused: [String: String] = [:]
    private var observers: [@LoopActor (Values) -> Void] = []
    private var subscription: RedisSubscription?
    private var retry: LoopTimer?
    private var isStale = false
    /// The one task that re-reads; this object owns it and starts no second one.
    private var reading: Task<Void, Never>?

    /// `defaults` are the environment's values by name of setting. `checks` look at what the kind cannot tell.
    package init(
        redis: RedisClient,
        definitions: [SettingDefinition] = SettingDefinition.known,
        defaults: [String: String] = [:],
        checks: [String: Check] = [:],
        log: Log
    ) {
        self.redis = redis
        self.definitions = definitions
        self.checks = checks
        self.log = log
        for definition in definitions {
            self.defaults[definition.name] = (definition.fallback, .builtIn)
            guard let text = defaults[definition.name] else { continue }
            if let problem = problem(definition, text) {
                report(definition.name, text, problem)
            } else {
                self.defaults[definition.name] = (text, .environment)
            }
        }
        retry = LoopTimer { [unowned self] in reread() }
        apply([:], version: 0)
    }

    isolated deinit { close() }

    /// Starts to follow the cluster's settings.
    package func start() {
        guard subscription == nil else { return }
        subscription = redis.subscribe([Self.channel]) { [weak self] event in
            if case .lost = event { return }
            self?.reread()
        }
    }

    package func close() {
        subscription?.close()
        subscription = nil
        isStale = false
        retry?.close()
    }

    /// Whether changes made elsewhere are heard of.
    package var isListening: Bool { subscription?.isLive ?? false }

    /// Calls `body` with the values in force, now and after every change, as long as this object lives.
    package func observe(_ body: @escaping @LoopActor (Values) -> Void) {
        observers.append(body)
        body(values)
    }

    /// Reads the cluster's settings once. `start` does it by itself; for those who only look.
    package func load() async throws(GatewayError) {
        do throws(RedisError) {
            let reply = try await redis.evaluate(
                StateScripts.readSettings,
                keys: [.literal(Self.hash), .literal(Self.version)],
                timeout: .seconds(2)
            ).elements
            guard reply.count == 2 else { return }
            apply(reply[1].fields, version: reply[0].int ?? 0)
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// What is wrong with the text; nothing when it can be used.
    func problem(_ definition: SettingDefinition, _ text: String) -> String? {
        guard definition.kind.value(of: text) != nil else { return "It must be \(definition.kind.range)." }
        return checks[definition.name]?(text)
    }

    private func reread() {
        isStale = true
        guard reading == nil else { return }
        reading = Task { @LoopActor in
            await readUntilCurrent()
            reading = nil
        }
    }

    private func readUntilCurrent() async {
        while isStale {
            // A change announced from here on may not be in the answer.
            isStale = false
            do throws(GatewayError) {
                try await load()
            } catch {
                retry?.schedule(after: Self.retryInterval)
                return
            }
        }
    }

    private func apply(_ fields: [String: String], version: Int) {
        var applied = Values(version: version)
        chosen = [:]
        for definition in definitions {
            let name = definition.name
            var text = defaults[name]?.text ?? definition.fallback
            if let wanted = fields[name] {
                if let problem = problem(definition, wanted) {
                    report(name, wanted, problem)
                } else {
                    chosen[name] = wanted
                    text = wanted
                    refused[name] = nil
                }
            } else {
                refused[name] = nil
            }
            applied.values[name] = definition.kind.value(of: text)
        }
        let isChanged = applied.values != values.values
        values = applied
        guard isChanged else { return }
        for observer in observers { observer(applied) }
    }

    /// A line for each bad value, not for each time it is read.
    private func report(_ name: String, _ text: String, _ problem: String) {
        guard refused[name] != text else { return }
        refused[name] = text
        log(.warning, "setting ignored", LogField("name", name), LogField("reason", problem))
    }
}
