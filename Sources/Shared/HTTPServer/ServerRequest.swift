package import Core
package import EventLoop
package import HTTPCodec

/// A whole request as a handler gets it.
package struct ServerRequest: Sendable {
    package let head: RequestHead
    package let body: [UInt8]
    /// When its last byte arrived.
    package let receivedAt: Instant
}

/// Answers requests. Called once per request, one at a time for each connection; it must end the exchange, now or later.
///
/// Not `async`: a task costs kilobytes for as long as it waits, and most answers begin without waiting for anything.
@LoopActor
package protocol RequestHandler: AnyObject {
    func handle(_ request: ServerRequest, _ exchange: Exchange)
    /// The answer to a request that could not be read: its JSON body and the id that names it.
    func refusal(_ error: GatewayError) -> (requestID: String, body: [UInt8])
}
