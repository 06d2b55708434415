import Core
import Crypto
import EventLoop
import TestSupport
import Testing

@testable import Admin

@Suite("The password", .onLoop, .timeLimit(.minutes(1)))
struct PasswordGateTests {
    private static let cheap = PasswordKey.Cost(rounds: 16, blockSize: 1, parallelism: 1)

    @Test("A helper thread derives what the loop would, and the loop goes on meanwhile")
    @LoopActor func offload() async throws {
        let salt = Array("salt".utf8)
        for password in ["", "p", String(repeating: "long ", count: 200)] {
            let derivation = PasswordDerivation(password: Array(password.utf8), salt: salt, cost: Self.cheap)
            #expect(throws: CryptoError.failed) { try derivation.key }
            try await Offload.run(derivation.work)
            #expect(try derivation.key == PasswordKey.derive(password: password, salt: salt, cost: Self.cheap))
        }
        let derivation = PasswordDerivation(password: salt, salt: salt)
        var isDone = false
        Task { @LoopActor in
            try await Offload.run(derivation.work)
            isDone = true
        }
        var turns = 0
        await eventually("the derivation is done") {
            turns += 1
            return isDone
        }
        #expect(turns > 1, "the loop turned \(turns) times during one derivation")
        #expect(try derivation.key.count == 32)
    }

    @Test("A cost the library does not take is an error, not a key")
    @LoopActor func refusal() async throws {
        let cost = PasswordKey.Cost(rounds: 3, blockSize: 1, parallelism: 1)
        let derivation = PasswordDerivation(password: [1], salt: [2], cost: cost)
        try await Offload.run(derivation.work)
        #expect(throws: CryptoError.failed) { try derivation.key }
        let gate = PasswordGate(username: "a", password: "b", cost: cost)
        for _ in 0..<2 {
            await #expect(throws: GatewayError.self) { try await gate.accepts(username: "a", password: "b") }
        }
    }

    @Test("Only the right name with the right password is accepted")
    @LoopActor func comparison() async throws {
        let gate = PasswordGate(username: "admin", password: "pässword", cost: Self.cheap)
        #expect(try await gate.accepts(username: "admin", password: "pässword"))
        for (name, password) in [
            ("admin", "pässwor"), ("admin", "pässword "), ("Admin", "pässword"), ("", ""), ("admin", ""),
            ("admin", String(repeating: "x", count: 2000)),
        ] {
            #expect(try await gate.accepts(username: name, password: password) == false)
        }
        let same = PasswordGate(username: "admin", password: "pässword", cost: Self.cheap)
        let other = PasswordGate(username: "admin", password: "password", cost: Self.cheap)
        let fingerprint = try await gate.fingerprint()
        #expect(try await same.fingerprint() == fingerprint)
        #expect(try await other.fingerprint() != fingerprint)
    }

    @Test("Log-ins are derived one at a time, and only so many wait")
    @LoopActor func queue() async throws {
        // Slow enough for all to arrive during the first few.
        let cost = PasswordKey.Cost(rounds: 1 << 13, blockSize: 8, parallelism: 1)
        let gate = PasswordGate(username: "a", password: "b", cost: cost)
        #expect(try await gate.accepts(username: "a", password: "b"))
        let tries = (0..<40).map { _ in
            Task { @LoopActor in
                do {
                    return try await gate.accepts(username: "a", password: "b") ? "accepted" : "refused"
                } catch let error as GatewayError {
                    return error.label
                }
            }
        }
        var counts: [String: Int] = [:]
        for task in tries { counts[try await task.value, default: 0] += 1 }
        let (admitted, refused) = (counts["accepted"] ?? 0, counts["overloaded"] ?? 0)
        #expect(admitted > PasswordGate.queueLimit && refused > 0 && admitted + refused == 40, "\(counts)")
        #expect(try await gate.accepts(username: "a", password: "b"), "it serves again")
    }

    @Test(
        "Credentials that were right are known for a minute, to the address they came from, until the first wrong ones"
    )
    func memory() throws {
        var memory = VerifiedCredentials(key: [1, 2, 3])
        let right = try #require(BasicCredentials(Array("Basic YTpi".utf8)[...]))
        let wrong = try #require(BasicCredentials(Array("bAsIc  YTpj".utf8)[...]))
        #expect(right.username == "a" && right.password == "b" && wrong.password == "c")
        let now = Instant(nanoseconds: 1)
        func isKnown(_ credentials: BasicCredentials, _ address: String, after seconds: Int) -> Bool {
            memory.holds(credentials, from: address, at: now.advanced(by: .seconds(seconds)))
        }
        #expect(!isKnown(right, "here", after: 0))
        memory.remember(right, from: "here", at: now)
        #expect(isKnown(right, "here", after: 59))
        #expect(!isKnown(right, "there", after: 0))
        #expect(!isKnown(right, "here", after: 60))
        memory.remember(right, from: "here", at: now)
        #expect(!isKnown(wrong, "here", after: 0))
        #expect(!isKnown(right, "here", after: 0), "forgotten with the first wrong ones")
        for header in ["Basic", "Basic ", "Basic YQ==", "Basic YTpi=", "Bearer YTpi", "Basic /zpi"] {
            #expect(BasicCredentials(Array(header.utf8)[...]) == nil, "\(header)")
        }
    }
}
