import Testing

@testable import Crypto

@Suite struct AESGCMTests {
    /// Test cases 13 to 16 of the GCM specification (McGrew and Viega), as in NIST's archive.
    struct Vector {
        var key, nonce, message, context, text, tag: String
    }

    static let zeroKey = String(repeating: "00", count: 32)
    static let key = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"
    static let message =
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
        + "b16aedf5aa0de657ba637b391aafd255"
    static let text =
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
        + "c5f61e6393ba7a0abcc9f662898015ad"

    static let vectors = [
        Vector(
            key: zeroKey,
            nonce: "000000000000000000000000",
            message: "",
            context: "",
            text: "",
            tag: "530f8afbc74536b9a963b4f1c4cb738b"
        ),
        Vector(
            key: zeroKey,
            nonce: "000000000000000000000000",
            message: "00000000000000000000000000000000",
            context: "",
            text: "cea7403d4d606b6e074ec5d3baf39d18",
            tag: "d0d1c8a799996bf0265b98b5d48ab919"
        ),
        Vector(
            key: key,
            nonce: "cafebabefacedbaddecaf888",
            message: message,
            context: "",
            text: text,
            tag: "b094dac5d93471bdec1a502270e3cc6c"
        ),
        Vector(
            key: key,
            nonce: "cafebabefacedbaddecaf888",
            message: String(message.dropLast(8)),
            context: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            text: String(text.dropLast(8)),
            tag: "76fc6ece0f4e1768cddf8853bb2d551b"
        ),
    ]

    @Test("Sealing and opening agree with the published vectors", arguments: vectors.indices)
    func agreement(index: Int) throws {
        let vector = Self.vectors[index]
        let key = try #require(Hex.decode(vector.key))
        let cipher = try #require(AESGCM(key: key))
        let nonce = try #require(Hex.decode(vector.nonce))
        let message = try #require(Hex.decode(vector.message))
        let context = try #require(Hex.decode(vector.context))
        let sealed = try cipher.seal(message, context: context, nonce: nonce)
        #expect(Hex.encode(sealed) == vector.nonce + vector.text + vector.tag)
        #expect(try cipher.open(sealed, context: context) == message)
    }

    @Test("Every changed bit, another context, another key and a cut are noticed")
    func tampering() throws {
        let key = try SecureRandom.bytes(32)
        let cipher = try #require(AESGCM(key: key))
        let message = Array("the account's token".utf8)
        let sealed = try cipher.seal(message, context: [7])
        #expect(sealed.count == message.count + AESGCM.overhead)
        for bit in 0..<sealed.count * 8 {
            var changed = sealed
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: CryptoError.notAuthentic) { try cipher.open(changed, context: [7]) }
        }
        for count in 0..<sealed.count {
            #expect(throws: CryptoError.notAuthentic) { try cipher.open(Array(sealed.prefix(count)), context: [7]) }
        }
        #expect(throws: CryptoError.notAuthentic) { try cipher.open(sealed, context: [8]) }
        #expect(throws: CryptoError.notAuthentic) { try cipher.open(sealed) }
        let other = try #require(AESGCM(key: try SecureRandom.bytes(32)))
        #expect(throws: CryptoError.notAuthentic) { try other.open(sealed, context: [7]) }
    }

    @Test("The same message is never sealed to the same bytes")
    func nonces() throws {
        let cipher = try #require(AESGCM(key: try SecureRandom.bytes(32)))
        let sealed = try (0..<100).map { _ in try cipher.seal([1, 2, 3]) }
        #expect(Set(sealed.map { Array($0.prefix(AESGCM.nonceByteCount)) }).count == sealed.count)
    }

    @Test("Only keys of 32 bytes are taken", arguments: [0, 16, 24, 31, 33, 64])
    func keySize(count: Int) {
        #expect(AESGCM(key: [UInt8](repeating: 1, count: count)) == nil)
    }
}
