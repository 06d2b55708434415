package import Core
internal import Crypto
package import EventLoop
package import Redis

/// Which account each seed stands for, and which of the account's conversations are a seed's own.
///
/// A seed is known by a digest alone; the word itself is nowhere. A conversation belongs to the seed that claimed it first, and
/// to nobody else for as long as it is known. Without Redis nobody can tell whose a conversation is, so everything here fails
/// closed.
@LoopActor
package final class SeedStore {
    package struct Options: Sendable {
        /// How long a seed that nobody uses is kept.
        package var lifetime = Duration.seconds(180 * 86_400)
        package var mostSeeds = 20_000
        package var mostConversations = 1000

        package init() {}
    }

    package var options: Options
    private let redis: RedisClient
    private var touched: [String: Instant] = [:]

    private static let list: StaticString = "millrace:{seeds}"

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
    }

    /// What a seed is known by: 64 hexadecimal digits.
    package nonisolated static func digest(of seed: String) -> String { SHA256Digest(of: "seed\n" + seed).hex }

    // MARK: Seeds

    package func binding(of seed: String) async throws(GatewayError) -> SeedBinding? {
        do throws(RedisError) {
            let fields = try await redis.command(["HGETALL", .text(Self.key(seed))]).fields
            guard let account = fields["account"] else { return nil }
            return SeedBinding(
                account: account,
                created: fields["created"].flatMap { Int($0) } ?? 0,
                bound: fields["bound"].flatMap { Int($0) } ?? 0,
                moves: fields["moves"].flatMap { Int($0) } ?? 0,
                note: fields["note"] ?? ""
            )
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Binds a seed to an account, or in place of one that is gone. Returns the account it is bound to, whoever did it.
    package func bind(
        _ seed: String,
        to account: String,
        insteadOf gone: String? = nil,
        because note: String = ""
    ) async throws(GatewayError) -> String {
        let admitted = try await redis.evaluateForState(
            StateScripts.admitSeed,
            keys: [.text("\(Self.list)")],
            arguments: [.text(seed), .integer(options.mostSeeds), .integer(lifetime)]
        )
        guard admitted.text == "1" else {
            throw GatewayError(.overloaded, "No more seeds can be bound.", retryAfter: 3600)
        }
        let reply = try await redis.evaluateForState(
            StateScripts.bindSeed,
            keys: [.text(Self.key(seed))],
            arguments: [.text(account), .text(gone ?? ""), .text(note), .integer(lifetime)]
        )
        return reply.elements.first?.text ?? account
    }

    /// The seed is in use: it and what is its own are kept for longer. Leaves with whatever else this turn has for Redis, once
    /// an hour at most.
    package func touch(_ seed: String) {
        let now = LoopClock.turn
        if let last = touched[seed], now < last.advanced(by: .seconds(3600)) { return }
        if touched.count >= 4096 { touched.removeAll() }
        touched[seed] = now
        redis.evaluate(
            StateScripts.admitSeed,
            keys: [.text("\(Self.list)")],
            arguments: [.text(seed), .integer(options.mostSeeds), .integer(lifetime)]
        ) { _ in }
        for key in [Self.key(seed), Self.chats(seed), Self.order(seed)] {
            redis.send(["EXPIRE", .text(key), .integer(lifetime)])
        }
    }

    /// The digests of all seeds, the last used first, as far as there are no more than `count`.
    package func seeds(count: Int) async throws(GatewayError) -> [String] {
        do throws(RedisError) {
            let reply = try await redis.command(["ZREVRANGE", .text("\(Self.list)"), "0", .integer(count - 1)])
            return reply.elements.compactMap(\.text)
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Forgets a seed and which conversations were its own, which are nobody's from then on; false where there is none.
    package func remove(_ seed: String) async throws(GatewayError) -> Bool {
        do throws(RedisError) {
            let reply = try await redis.command([
                "DEL", .text(Self.key(seed)), .text(Self.chats(seed)), .text(Self.order(seed)),
            ])
            _ = try await redis.command(["ZREM", .text("\(Self.list)"), .text(seed)])
            return (reply.int ?? 0) > 0
        } catch {
            throw .stateUnavailable(error)
        }
    }

    // MARK: Conversations

    /// A conversation has been begun with the seed. False where it is another seed's.
    package func claim(
        _ conversation: String,
        for seed: String,
        _ change: SeedChange
    ) async throws(GatewayError) -> Bool {
        do throws(RedisError) {
            let key = Self.claimKey(conversation)
            let reply = try await redis.command(["SET", .text(key), .text(seed), "NX", "EX", .integer(lifetime)])
            if reply.isNull, try await redis.command(["GET", .text(key)]).text != seed { return false }
        } catch {
            throw .stateUnavailable(error)
        }
        return try await note(conversation, of: seed, change, isNew: true)
    }

    /// Writes down what became of a conversation; false where it is none of the seed's.
    @discardableResult
    package func note(
        _ conversation: String,
        of seed: String,
        _ change: SeedChange,
        isNew: Bool = false
    ) async throws(GatewayError) -> Bool {
        try await redis.evaluateForState(
            StateScripts.noteSeed,
            keys: [.text(Self.chats(seed)), .text(Self.order(seed))],
            arguments: [
                .text(conversation), .bytes(change.record), isNew ? "1" : "0", .integer(options.mostConversations),
                .integer(lifetime),
            ]
        ).text == "1"
    }

    package func conversation(_ id: String, of seed: String) async throws(GatewayError) -> SeedConversation? {
        do throws(RedisError) {
            let reply = try await redis.command(["HGET", .text(Self.chats(seed)), .text(id)])
            return reply.bytes.flatMap { SeedConversation(id: id, record: $0) }
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// All there are, the newest first.
    package func conversations(of seed: String) async throws(GatewayError) -> [SeedConversation] {
        do throws(RedisError) {
            let elements = try await redis.command(["HGETALL", .text(Self.chats(seed))]).elements
            var found: [SeedConversation] = []
            for place in stride(from: 0, to: elements.count - 1, by: 2) {
                guard let id = elements[place].text, let record = elements[place + 1].bytes,
                    let conversation = SeedConversation(id: id, record: record)
                else { continue }
                found.append(conversation)
            }
            return found.sorted { ($0.updated, $0.id) > ($1.updated, $1.id) }
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// The conversation is gone. Nobody else can claim it all the same.
    package func forget(_ conversation: String, of seed: String) async throws(GatewayError) {
        do throws(RedisError) {
            _ = try await redis.command(["HDEL", .text(Self.chats(seed)), .text(conversation)])
            _ = try await redis.command(["ZREM", .text(Self.order(seed)), .text(conversation)])
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private var lifetime: Int { Int(options.lifetime.components.seconds) }

    private static func key(_ seed: String) -> String { "millrace:{seed:\(seed)}" }
    private static func chats(_ seed: String) -> String { key(seed) + ":conversations" }
    private static func order(_ seed: String) -> String { key(seed) + ":order" }
    private static func claimKey(_ conversation: String) -> String {
        "millrace:{mirrored:\(SHA256Digest(of: conversation).hex.prefix(32))}"
    }
}

extension StateScripts {
    static let bindSeed = RedisScript("seed-bind", source: PackageResources.seed_bind_lua)
    static let noteSeed = RedisScript("seed-note", source: PackageResources.seed_note_lua)
    static let admitSeed = RedisScript("seed-admit", source: PackageResources.seed_admit_lua)
}
