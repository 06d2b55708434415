internal import COpenSSL
package import Core

/// A derivation by scrypt that runs elsewhere: `work` is for a helper thread, `key` is there when it is done. Keep the
/// object until then.
@safe
package final class PasswordDerivation {
    private let job: UnsafeMutablePointer<copenssl_scrypt>
    /// Password and salt, then room for the key.
    private let bytes: UnsafeMutableBufferPointer<UInt8>

    package init(
        password: [UInt8],
        salt: [UInt8],
        count: Int = AESGCM.keyByteCount,
        cost: PasswordKey.Cost = .interactive
    ) {
        let (saltStart, keyStart) = (password.count, password.count + salt.count)
        // One byte more, so that there is an address even for nothing at all.
        unsafe bytes = .allocate(capacity: keyStart + count + 1)
        unsafe bytes.initialize(repeating: 0)
        for (place, byte) in (password + salt).enumerated() { unsafe bytes[place] = byte }
        unsafe job = .allocate(capacity: 1)
        let start = unsafe Self.start(of: bytes)
        unsafe job.initialize(
            to: copenssl_scrypt(
                password: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self),
                password_length: password.count,
                salt: start + saltStart,
                salt_length: salt.count,
                rounds: cost.rounds,
                block_size: cost.blockSize,
                parallelism: cost.parallelism,
                memory: 1 << 30,
                key: start + keyStart,
                key_length: count,
                result: 0
            )
        )
    }

    deinit {
        unsafe OPENSSL_cleanse(bytes.baseAddress, bytes.count)
        unsafe bytes.deallocate()
        unsafe job.deallocate()
    }

    package var work: ForeignWork { unsafe ForeignWork(copenssl_scrypt_run, UnsafeMutableRawPointer(job)) }

    /// The derived key; throws when the work has not run or could not.
    package var key: [UInt8] {
        get throws(CryptoError) {
            let done = unsafe job.pointee
            guard unsafe done.result == 1 else { throw .failed }
            return unsafe Array(UnsafeBufferPointer(start: done.key, count: done.key_length))
        }
    }

    private static func start(of bytes: UnsafeMutableBufferPointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
        guard let start = bytes.baseAddress else { preconditionFailure("at least one byte was allocated") }
        return unsafe start
    }
}
