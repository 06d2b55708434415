package import Core
package import HTTPCodec

/// What a web provider can have done while it opens or concludes a turn, for the account that was leased. The gateway is the
/// one that does it; tests bring a desk with answers of their own.
package protocol Desk: Sendable {
    /// The account's name in its pool, or what stands for a credential that the caller brought along.
    var account: String { get }
    /// Its credential.
    var key: String { get }
    /// In seconds since 1970.
    var now: Int { get }

    /// One call and its whole answer, whatever its status. Fails where there is no answer.
    func ask(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer
    /// The same, seen through even when the client leaves meanwhile: for what would be lost otherwise.
    func seeThrough(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer
    /// A value of 32 hexadecimal digits that nobody in the cluster has had for this device.
    func claimNonce(for device: String) async throws(GatewayError) -> String
    /// Random bytes from the system.
    func random(_ count: Int) throws(GatewayError) -> [UInt8]
    /// The credential of another account of the same pool, even one that rests; nothing where there is none.
    func key(of account: String) async -> String?

    // What the cluster remembers of the account. Sealed at rest.

    /// Nothing where there is none, or no longer.
    func recall(_ name: String) async throws(GatewayError) -> [UInt8]?
    /// Known to all workers when this returns.
    func remember(_ name: String, _ value: [UInt8], for seconds: Int) async throws(GatewayError)
    func forget(_ name: String) async throws(GatewayError)
    /// Lets one in the whole cluster do something at a time: false while another has the right. It ends with `release`, or
    /// after so many seconds.
    func claim(_ name: String, for seconds: Int) async throws(GatewayError) -> Bool
    func release(_ name: String) async

    /// Lets the loop do other work, for as long as one asks; long computations call it between their slices.
    func pause(milliseconds: Int) async throws(GatewayError)
}

extension Desk {
    package func seeThrough(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer {
        try await ask(request)
    }
}

/// A whole answer.
package struct DeskAnswer: Sendable {
    package var status: Int
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    package init(status: Int, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The first header of that name, in lower case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// As failures are read.
    package func failed(at now: Int) -> FailedAnswer {
        FailedAnswer(status: status, body: body, retryAfter: header("retry-after"), now: { now })
    }
}
