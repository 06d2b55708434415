package import Core
internal import Crypto
package import EventLoop
package import Redis

/// Conversations that live at upstreams, for whichever worker gets their next turn.
///
/// All keys of one owner share a prefix made of a digest of the owner, so nothing of another owner's can be named, found or
/// recognised. One turn at a time has the hold on a conversation; a second one makes a branch. Without Redis there is
/// no telling what a request goes on with, so everything here fails closed.
@LoopActor
package final class ConversationStore {
    package struct Options: Sendable {
        /// How long a conversation is kept after its last turn.
        package var lifetime = Duration.seconds(72_000)
        /// How many an account may have; the oldest go.
        package var mostPerAccount = 100
        /// A worker that dies holds a conversation for no longer.
        package var holdTime = Duration.seconds(30)
        /// What a provider must remember of a turn.
        package var largestState = 16 << 10

        package init() {}
    }

    package var options: Options
    private let redis: RedisClient
    private var holds: [String: String] = [:]
    private var timer: LoopTimer?
    private let prefix = String(UInt64.random(in: 1 << 35..<1 << 40), radix: 36)
    private var count = 0

    package init(redis: RedisClient, options: Options = Options()) {
        self.redis = redis
        self.options = options
        timer = LoopTimer { [unowned self] in renew() }
    }

    isolated deinit { timer?.close() }

    package func close() { timer?.close() }

    /// The conversation with this id, or the one with this transcript; nothing where there is none.
    package func open(
        id: String?,
        transcript: TranscriptDigests?,
        owner: String
    ) async throws(GatewayError) -> OpenConversation? {
        count += 1
        let hold = "\(prefix)-\(count)"
        let keys = Self.prefix(owner)
        let reply = try await redis.evaluateForState(
            StateScripts.openConversation,
            keys: [.text(keys)],
            arguments: [
                .text(id ?? ""), .text(transcript?.exact ?? ""), .text(transcript?.loose ?? ""), .text(hold),
                .integer(Int(options.holdTime.milliseconds)),
            ]
        )
        let elements = reply.elements
        guard elements.count == 8, let id = elements[0].text else { return nil }
        let isHeld = elements[7].text == "1"
        if isHeld { begin(hold, on: keys + id + ":hold") }
        return OpenConversation(
            conversation: Conversation(
                id: id,
                provider: elements[2].text ?? "",
                account: elements[1].text ?? "",
                state: elements[3].bytes ?? [],
                instructions: elements[4].text ?? "",
                turns: elements[5].int ?? 0
            ),
            isBranch: !isHeld,
            hold: isHeld ? hold : nil
        )
    }

    /// Writes down a conversation after a turn and ends the hold on it. Says whether it is the conversation's newest turn.
    package func save(
        _ conversation: Conversation,
        transcript: TranscriptDigests,
        after opened: OpenConversation?,
        owner: String
    ) async throws(GatewayError) -> Bool {
        guard conversation.state.count <= options.largestState else {
            throw GatewayError(.internalError, "The conversation cannot be kept.", cause: "state too large")
        }
        let keys = Self.prefix(owner)
        let isSame = opened?.conversation.id == conversation.id
        let hold = isSame ? opened?.hold : nil
        if hold != nil { holds[keys + conversation.id + ":hold"] = nil }
        let reply = try await redis.evaluateForState(
            StateScripts.saveConversation,
            keys: [.text(keys)],
            arguments: [
                .text(conversation.id), .text(hold ?? ""), .text(conversation.account), .text(conversation.provider),
                .bytes(conversation.state), .text(conversation.instructions), .text(transcript.exact),
                .text(transcript.loose), .integer(conversation.turns), .integer(lifetime),
            ]
        )
        try await list(conversation, keys: keys)
        return reply.text == "1"
    }

    /// The turn came to nothing: another may have its place.
    package func release(_ opened: OpenConversation, owner: String) {
        guard let hold = opened.hold else { return }
        let key = Self.prefix(owner) + opened.conversation.id + ":hold"
        holds[key] = nil
        redis.evaluate(
            StateScripts.holdConversation,
            keys: [.text(key)],
            arguments: [.text(hold), "0"]
        ) { _ in }
    }

    /// Forgets a conversation; false where there is none.
    package func remove(_ id: String, owner: String) async throws(GatewayError) -> Bool {
        do throws(RedisError) {
            return try await redis.command(["DEL", .text(Self.prefix(owner) + id)]).int == 1
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// A name that no other conversation has, and that tells nothing.
    package static func newID() throws(GatewayError) -> String {
        do throws(CryptoError) {
            return "conv-" + (try SecureRandom.hex(bytes: 12))
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }

    // MARK: Holds

    private func begin(_ hold: String, on key: String) {
        if holds.isEmpty { timer?.schedule(after: options.holdTime / 3) }
        holds[key] = hold
    }

    private func renew() {
        guard !holds.isEmpty else { return }
        for (key, hold) in holds {
            redis.evaluate(
                StateScripts.holdConversation,
                keys: [.text(key)],
                arguments: [.text(hold), .integer(Int(options.holdTime.milliseconds))]
            ) { _ in }
        }
        timer?.schedule(after: options.holdTime / 3)
    }

    // MARK: The account's list

    private func list(_ conversation: Conversation, keys: String) async throws(GatewayError) {
        guard !conversation.account.isEmpty else { return }
        let reply = try await redis.evaluateForState(
            StateScripts.listConversation,
            keys: [.text("millrace:{pool:\(conversation.provider)}:conversations:\(conversation.account)")],
            arguments: [
                .text(keys + conversation.id), .integer(options.mostPerAccount), .integer(lifetime),
            ]
        )
        for gone in reply.elements {
            guard let key = gone.text, key.hasPrefix("millrace:{conversations:") else { continue }
            redis.send(["DEL", .text(key)])
        }
    }

    private var lifetime: Int { Int(options.lifetime.components.seconds) }

    private static func prefix(_ owner: String) -> String {
        "millrace:{conversations:\(SHA256Digest(of: owner).hex.prefix(32))}:"
    }
}

extension StateScripts {
    static let openConversation = RedisScript("conversation-open", source: PackageResources.conversation_open_lua)
    static let saveConversation = RedisScript("conversation-save", source: PackageResources.conversation_save_lua)
    static let holdConversation = RedisScript("conversation-hold", source: PackageResources.conversation_hold_lua)
    static let listConversation = RedisScript("conversation-list", source: PackageResources.conversation_list_lua)
}
