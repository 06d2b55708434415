internal import Core
internal import Crypto

/// The device that an account is used from: made once, and the same for all workers from then on.
enum FlowGPTDevice {
    private static let length = 21
    private static let fact = "device"
    /// In seconds; what is in use is written down anew long before it ends.
    private static let lifetime = 365 * 86_400
    private static let renewal = 30 * 86_400
    /// How long another worker may take to make one.
    private static let turns = 100
    private static let pause = 50

    static func id(at desk: any Desk) async throws(GatewayError) -> String {
        for _ in 0..<turns {
            if let known = try await recalled(at: desk) { return known }
            if try await desk.claim(fact, for: 10) {
                let result = await made(at: desk)
                await desk.release(fact)
                return try result.get()
            }
            try await desk.pause(milliseconds: pause)
        }
        throw GatewayError(.stateUnavailable, "The account's device cannot be found out.", retryAfter: 1)
    }

    /// For a credential of which nothing may be kept: always the same, and made of nothing else.
    static func id(ofOwn credential: String) -> String {
        FlowGPTName.make(of: Array(SHA256Digest(of: "flowgpt device\n" + credential).bytes.prefix(length)))
    }

    private static func made(at desk: any Desk) async -> Result<String, GatewayError> {
        do throws(GatewayError) {
            // Somebody may have made it between the look and the claim.
            if let known = try await recalled(at: desk) { return .success(known) }
            let id = FlowGPTName.make(of: try desk.random(length))
            try await remember(id, at: desk)
            return .success(id)
        } catch {
            return .failure(error)
        }
    }

    private static func recalled(at desk: any Desk) async throws(GatewayError) -> String? {
        guard let fact = try await desk.recall(fact) else { return nil }
        let parts = String(decoding: fact, as: UTF8.self).split(separator: " ")
        guard let id = parts.first, FlowGPTName.isValid(id) else { return nil }
        let since = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        if desk.now - since > renewal { try await remember(String(id), at: desk) }
        return String(id)
    }

    private static func remember(_ id: String, at desk: any Desk) async throws(GatewayError) {
        try await desk.remember(fact, Array("\(id) \(desk.now)".utf8), for: lifetime)
    }
}
