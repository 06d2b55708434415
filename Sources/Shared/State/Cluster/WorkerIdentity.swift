package import Core
internal import Crypto

/// Who a worker is, for as long as its process lives.
package struct WorkerIdentity: Sendable, Equatable {
    /// Short and random; no other process has or had it.
    package let id: String
    package let host: String
    package let pid: Int
    /// Where it listens.
    package let address: String
    package let version: String
    /// Seconds since 1970.
    package let started: Int

    package init(
        host: String,
        pid: Int,
        address: String,
        version: String,
        started: Int
    ) throws(GatewayError) {
        do throws(CryptoError) {
            id = try SecureRandom.hex(bytes: 6)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
        self.host = host
        self.pid = pid
        self.address = address
        self.version = version
        self.started = started
    }
}

/// What a worker is doing.
package struct WorkerStatus: Sendable, Equatable {
    package var openRequests = 0
    package var openStreams = 0
    package var isDraining = false

    package init(openRequests: Int = 0, openStreams: Int = 0, isDraining: Bool = false) {
        self.openRequests = openRequests
        self.openStreams = openStreams
        self.isDraining = isDraining
    }
}

/// A worker as the others see it.
package struct WorkerRow: Sendable, Equatable {
    package let id: String
    package let host: String
    package let pid: Int
    package let address: String
    package let version: String
    /// Seconds since 1970.
    package let started: Int
    package let status: WorkerStatus
    /// How long ago it was last heard of.
    package let silence: Duration
}

extension WorkerRow {
    init(id: String, fields: [String: String], silence: Duration) {
        self.init(
            id: id,
            host: fields["host"] ?? "",
            pid: fields["pid"].flatMap { Int($0) } ?? 0,
            address: fields["address"] ?? "",
            version: fields["version"] ?? "",
            started: fields["started"].flatMap { Int($0) } ?? 0,
            status: WorkerStatus(
                openRequests: fields["requests"].flatMap { Int($0) } ?? 0,
                openStreams: fields["streams"].flatMap { Int($0) } ?? 0,
                isDraining: fields["draining"] == "1"
            ),
            silence: silence
        )
    }
}
