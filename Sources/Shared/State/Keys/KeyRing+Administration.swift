package import Core
internal import Crypto
internal import EventLoop
internal import Redis

/// Making, revoking and listing keys: for the command line and the console, not for requests.
extension KeyRing {
    /// A key just made. This is the only time its text is known.
    package struct NewKey: Sendable {
        package let text: String
        package let record: KeyRecord
    }

    /// Makes a key: `sk-` and 43 characters of six random bits each.
    package func create(
        name: String,
        owner: String,
        expires: Int? = nil,
        models: [String] = [],
        limits: KeyLimits = KeyLimits()
    ) async throws(GatewayError) -> NewKey {
        try Self.check(owner: owner, models: models, limits: limits)
        let text = try Self.randomKey()
        let record = KeyRecord(
            digest: SHA256Digest(of: text).hex,
            name: name,
            owner: owner,
            isEnabled: true,
            created: now(),
            expires: expires,
            models: models,
            limits: limits
        )
        let reply = try await evaluate(
            StateScripts.createKey,
            keys: [.text(Self.prefix + record.digest), .literal(Self.list)],
            arguments: [.text(record.digest), .integer(record.created), .text(Self.channel)] + record.fields
        )
        guard reply.int == 1 else { throw GatewayError(.conflict, "A key with this digest exists already.") }
        cache.forget(record.digest)
        return NewKey(text: text, record: record)
    }

    /// Enables a key, or revokes it everywhere at once; false when there is no such key.
    package func setEnabled(_ isEnabled: Bool, _ digest: String) async throws(GatewayError) -> Bool {
        let reply = try await evaluate(
            StateScripts.enableKey,
            keys: [.text(Self.prefix + digest)],
            arguments: [.text(digest), .text(Self.channel), isEnabled ? "1" : "0"]
        )
        cache.forget(digest)
        return reply.int == 1
    }

    /// Forgets a key for good; false when there was none.
    package func remove(_ digest: String) async throws(GatewayError) -> Bool {
        let reply = try await evaluate(
            StateScripts.removeKey,
            keys: [.text(Self.prefix + digest), .literal(Self.list)],
            arguments: [.text(digest), .text(Self.channel)]
        )
        cache.forget(digest)
        return reply.int == 1
    }

    /// One page of all keys, oldest first.
    package func page(from start: Int, count: Int) async throws(GatewayError) -> [KeyRecord] {
        guard count > 0 else { return [] }
        let reply = try await evaluate(
            StateScripts.listKeys,
            keys: [.literal(Self.list)],
            arguments: [.text(Self.prefix), .integer(start), .integer(start + count - 1)]
        )
        let elements = reply.elements
        return stride(from: 0, to: elements.count - 1, by: 2).compactMap { place in
            elements[place].text.flatMap { KeyRecord(digest: $0, fields: elements[place + 1].fields) }
        }
    }

    static func check(owner: String?, models: [String]?, limits: KeyLimits?) throws(GatewayError) {
        guard owner != "" else { throw .invalid("owner", "A key needs an owner.") }
        for model in models ?? [] where model.isEmpty || model.contains(",") || model.dropLast().contains("*") {
            throw .invalid("models", "Names of models are not empty, hold no commas and a '*' only at the end.")
        }
        if let complaint = limits?.complaint { throw .invalid("limits", complaint) }
    }

    func evaluate(
        _ script: RedisScript,
        keys: [RedisArgument],
        arguments: [RedisArgument]
    ) async throws(GatewayError) -> RedisReply {
        do throws(RedisError) {
            return try await redis.evaluate(script, keys: keys, arguments: arguments, timeout: .seconds(2))
        } catch {
            throw .stateUnavailable(error)
        }
    }

    private static func randomKey() throws(GatewayError) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        do throws(CryptoError) {
            let characters = try SecureRandom.bytes(43).map { alphabet[Int($0 & 63)] }
            return "sk-" + String(decoding: characters, as: UTF8.self)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }
}
