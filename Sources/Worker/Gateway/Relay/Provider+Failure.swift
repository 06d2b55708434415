import Core
import Crypto
import Providers
import Upstream

extension Provider {
    /// What an unsuccessful answer means, with a digest of its body for the record of the account.
    func failure(_ head: UpstreamHead, _ body: [UInt8]) -> GatewayError {
        var error = failure(
            FailedAnswer(
                status: head.status,
                body: body,
                retryAfter: head.firstText("retry-after"),
                now: WallClock.seconds
            )
        )
        error.evidence = SHA256Digest(of: body).hex
        return error
    }
}
