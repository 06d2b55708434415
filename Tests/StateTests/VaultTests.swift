import Core
import Testing

@testable import State

@Suite("Vault")
struct VaultTests {
    private static let long = "0123456789abcdef0123456789abcdef"

    @Test("What was sealed opens again, and shows nothing", arguments: ["", "a token", "ключ 🔑"])
    func roundTrip(_ plain: String) throws {
        let vault = try Vault(secret: Self.long)
        let sealed = try vault.seal(plain, context: "lab/1")
        #expect(sealed.hasPrefix("v1:\(vault.keyID):") && vault.keyID.utf8.count == 8)
        #expect(plain.isEmpty || !sealed.contains(plain))
        #expect(try vault.seal(plain, context: "lab/1") != sealed, "a nonce is used once")
        let opened = try vault.open(sealed, context: "lab/1")
        #expect(opened.plain == plain && opened.isCurrentKey)
    }

    @Test("A sealed text opens in its place only, and not when a byte of it has changed")
    func binding() throws {
        let vault = try Vault(secret: Self.long)
        let sealed = try vault.seal("token", context: "lab/1")
        #expect(throws: VaultError.notAuthentic) { try vault.open(sealed, context: "lab/2") }
        let payload = try #require(sealed.split(separator: ":").last)
        var bytes = try #require(Base64.standard.decode(String(payload)))
        for place in bytes.indices {
            bytes[place] ^= 1
            let changed = "v1:\(vault.keyID):" + Base64.standard.encode(bytes)
            #expect(throws: VaultError.notAuthentic) { try vault.open(changed, context: "lab/1") }
            bytes[place] ^= 1
        }
        for text in ["", "v1", "v1:00", "v2:\(vault.keyID):\(payload)", "v1:\(vault.keyID):*", sealed + ":"] {
            #expect(throws: VaultError.malformed) { try vault.open(text, context: "lab/1") }
        }
    }

    @Test("A previous secret still opens, says so, and is not used any more")
    func rotation() throws {
        let old = try Vault(secret: "short")
        let sealed = try old.seal("token", context: "c")
        let new = try Vault(secret: Self.long, previous: ["older", "short"])
        let opened = try new.open(sealed, context: "c")
        #expect(opened.plain == "token" && !opened.isCurrentKey)
        #expect(try new.seal("token", context: "c").hasPrefix("v1:\(new.keyID):"))
        #expect(new.keyID != old.keyID)
        #expect(throws: VaultError.unknownKey) { try Vault(secret: Self.long).open(sealed, context: "c") }
        #expect(throws: VaultError.emptySecret) { try Vault(secret: "") }
        #expect(throws: VaultError.emptySecret) { try Vault(secret: "a", previous: [""]) }
        // Workers that start apart must agree.
        #expect(try Vault(secret: "short").open(sealed, context: "c").isCurrentKey)
    }
}
