internal import Synchronization

/// What one request of a client is expected to use, under an id that stays the same through retries and failover.
package struct Charge: Sendable, Equatable {
    package let id: String
    /// The SHA-256 of the API key in hexadecimal digits.
    package let digest: String
    package let tokens: Int
    /// Billionths of a US dollar; 0 when nobody knows.
    package let cost: Int
    package let isStream: Bool

    /// `id` is left out for a new request, and repeated to enlarge a charge, for a candidate that costs more.
    package init(id: String = Charge.newID(), digest: String, tokens: Int, cost: Int, isStream: Bool) {
        self.id = id
        self.digest = digest
        self.tokens = Self.bounded(tokens)
        self.cost = Self.bounded(cost)
        self.isStream = isStream
    }

    /// An id that no other charge of the cluster has: counted from a random number of 64 bits, since asking the system for
    /// randomness each time costs a call. At most 13 characters, which a `String` holds without memory of its own.
    package static func newID() -> String {
        String(latestID.wrappingAdd(1, ordering: .relaxed).newValue, radix: 36)
    }

    private static let latestID = Atomic(UInt64.random(in: .min ... .max))

    /// Upstreams and clients name these numbers: nothing negative, nothing that arithmetic could break on.
    static func bounded(_ amount: Int) -> Int { min(max(0, amount), 1 << 50) }
}
