import Core
import Crypto
import EventLoop

/// Knows whether a user name and a password are the administrator's.
///
/// Passwords are compared through scrypt, derived on a helper thread and one at a time: a flood of log-ins costs one core
/// for a bounded time and the loop nothing. What they are compared with is derived at the first log-in, so that a worker
/// whom no administrator asks has no other thread.
@LoopActor
final class PasswordGate {
    private struct Secrets {
        let salt: [UInt8]
        let key: [UInt8]
        let fingerprint: String
    }

    /// How many derivations may wait.
    static let queueLimit = 16
    /// Longer passwords are nobody's.
    static let longestPassword = 1024

    private let username: String
    private let password: [UInt8]
    private let cost: PasswordKey.Cost
    private var isBusy = false
    private var waiting: [CheckedContinuation<Bool, Never>] = []
    /// The one task that derives the keys to compare with; this object owns it.
    private var preparation: Task<Result<Secrets, GatewayError>, Never>?

    init(username: String, password: String, cost: PasswordKey.Cost = .interactive) {
        self.username = username
        self.password = Array(password.utf8)
        self.cost = cost
    }

    /// Takes the same time for a wrong name as for a wrong password.
    func accepts(username: String, password: String) async throws(GatewayError) -> Bool {
        let secrets = try await prepared().value.get()
        let isKnown = SecretComparison.areEqual(
            SHA256Digest(of: username).bytes,
            SHA256Digest(of: self.username).bytes
        )
        let characters = Array(password.utf8)
        guard characters.count <= Self.longestPassword else { return false }
        let key = try await derive(characters, salt: secrets.salt)
        return SecretComparison.areEqual(key, secrets.key) && isKnown
    }

    /// Names the password without telling it, the same on all workers: sessions of another password are worth nothing.
    func fingerprint() async throws(GatewayError) -> String { try await prepared().value.get().fingerprint }

    private func prepared() -> Task<Result<Secrets, GatewayError>, Never> {
        if let preparation { return preparation }
        let task = Task { @LoopActor in
            do throws(GatewayError) {
                return Result<Secrets, GatewayError>.success(try await self.deriveSecrets())
            } catch {
                // The next log-in tries again.
                self.preparation = nil
                return .failure(error)
            }
        }
        preparation = task
        return task
    }

    private func deriveSecrets() async throws(GatewayError) -> Secrets {
        let salt: [UInt8]
        do throws(CryptoError) {
            salt = try SecureRandom.bytes(16)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
        // Derived as slowly as the other, since it is stored with the sessions.
        let name = try await derive(password, salt: SHA256Digest(of: "millrace session of " + username).bytes)
        return Secrets(
            salt: salt,
            key: try await derive(password, salt: salt),
            fingerprint: String(SHA256Digest(of: name).hex.prefix(32))
        )
    }

    private func derive(_ password: [UInt8], salt: [UInt8]) async throws(GatewayError) -> [UInt8] {
        try await takeTurn()
        defer { passTurn() }
        let derivation = PasswordDerivation(password: password, salt: salt, cost: cost)
        do {
            try await Offload.run(derivation.work)
            return try derivation.key
        } catch {
            throw GatewayError(.internalError, "The password could not be checked.", cause: "\(error)")
        }
    }

    /// Decides inside the continuation, in one step: others may run between an `await` and its body.
    private func takeTurn() async throws(GatewayError) {
        let isAdmitted = await withCheckedContinuation { (turn: CheckedContinuation<Bool, Never>) in
            if !isBusy {
                isBusy = true
                turn.resume(returning: true)
            } else if waiting.count < Self.queueLimit {
                waiting.append(turn)
            } else {
                turn.resume(returning: false)
            }
        }
        guard isAdmitted else {
            throw GatewayError(.overloaded, "Too many log-ins are being checked.", retryAfter: 1)
        }
    }

    private func passTurn() {
        if waiting.isEmpty {
            isBusy = false
        } else {
            waiting.removeFirst().resume(returning: true)
        }
    }
}
