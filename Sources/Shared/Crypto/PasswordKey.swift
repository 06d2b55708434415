internal import COpenSSL

/// A key made of a password by scrypt (RFC 7914), which makes guessing expensive.
package enum PasswordKey {
    /// What one derivation costs: memory is 128 × `blockSize` × `rounds` bytes. Derivation takes tens of milliseconds at
    /// the recommended cost, so it belongs to start-up and log-in, never to the life of a request.
    package struct Cost: Sendable {
        /// A power of two.
        package var rounds: UInt64
        package var blockSize: UInt64
        package var parallelism: UInt64

        package init(rounds: UInt64, blockSize: UInt64, parallelism: UInt64) {
            self.rounds = rounds
            self.blockSize = blockSize
            self.parallelism = parallelism
        }

        /// 16 MiB and about 50 ms: what the algorithm's author recommends for interactive use.
        package static let interactive = Cost(rounds: 1 << 14, blockSize: 8, parallelism: 1)
    }

    package static func derive(
        password: String,
        salt: [UInt8],
        count: Int = AESGCM.keyByteCount,
        cost: Cost = .interactive
    ) throws(CryptoError) -> [UInt8] {
        let characters = password.utf8.map { CChar(bitPattern: $0) }
        var key = [UInt8](repeating: 0, count: count)
        let memory: UInt64 = 1 << 30
        let result = unsafe EVP_PBE_scrypt(
            characters,
            characters.count,
            salt,
            salt.count,
            cost.rounds,
            cost.blockSize,
            cost.parallelism,
            memory,
            &key,
            count
        )
        guard result == 1 else { throw .failed }
        return key
    }
}
