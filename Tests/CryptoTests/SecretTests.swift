import Crypto
import Testing

@Suite struct SecretTests {
    @Test("Secrets are equal when every byte and the length are")
    func comparison() {
        #expect(SecretComparison.areEqual([UInt8](), []))
        #expect(SecretComparison.areEqual([1, 2, 3], [1, 2, 3]))
        #expect(!SecretComparison.areEqual([1, 2, 3], [1, 2]))
        #expect(!SecretComparison.areEqual([], [0]))
        let secret = [UInt8](0..<64)
        for place in secret.indices {
            var other = secret
            other[place] ^= 0x80
            #expect(!SecretComparison.areEqual(secret, other))
        }
        #expect(SecretComparison.areEqual("gate", "gate"))
        #expect(!SecretComparison.areEqual("gate", "Gate"))
    }

    @Test("Random bytes come in the wanted number and do not repeat")
    func random() throws {
        #expect(try SecureRandom.bytes(0).isEmpty)
        let draws = try (0..<200).map { _ in try SecureRandom.bytes(16) }
        #expect(draws.allSatisfy { $0.count == 16 })
        #expect(Set(draws).count == draws.count)
        #expect(Set(draws.joined()).count > 200)
        #expect(try SecureRandom.hex(bytes: 8).utf8.count == 16)
        #expect(throws: CryptoError.failed) { try SecureRandom.bytes(-1) }
    }

    @Test("scrypt agrees with RFC 7914")
    func scrypt() throws {
        let first = try PasswordKey.derive(
            password: "",
            salt: [],
            count: 64,
            cost: PasswordKey.Cost(rounds: 16, blockSize: 1, parallelism: 1)
        )
        #expect(
            Hex.encode(first) == "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
                + "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        )
        let second = try PasswordKey.derive(
            password: "password",
            salt: Array("NaCl".utf8),
            count: 64,
            cost: PasswordKey.Cost(rounds: 1024, blockSize: 8, parallelism: 16)
        )
        #expect(
            Hex.encode(second) == "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
                + "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        )
    }

    @Test("scrypt makes keys of the default size and refuses a cost that is no power of two")
    func scryptDefaults() throws {
        #expect(try PasswordKey.derive(password: "p", salt: [1]).count == AESGCM.keyByteCount)
        let wrong = PasswordKey.Cost(rounds: 15, blockSize: 1, parallelism: 1)
        #expect(throws: CryptoError.failed) { try PasswordKey.derive(password: "p", salt: [1], cost: wrong) }
    }
}
