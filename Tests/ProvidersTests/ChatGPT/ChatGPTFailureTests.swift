import Core
import Testing

@testable import Providers

@Suite("ChatGPT's refusals")
struct ChatGPTFailureTests {
    private static func make(_ status: Int, _ body: String, retryAfter: String? = nil) -> GatewayError {
        ChatGPTFailure.make(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    @Test(
        "Each refusal is what the site means by it",
        arguments: [
            (
                401, #"{"detail":{"code":"token_expired"}}"#, GatewayError.Code.upstreamRefusedCredentials,
                FailureClass.credentialsRefused
            ),
            (403, #"{"detail":{"code":"token_revoked"}}"#, .upstreamRefusedCredentials, .credentialsRefused),
            (401, "{}", .upstreamRefusedCredentials, .credentialsRefused),
            (403, "<html><script>window._cf_chl_opt={}</script></html>", .upstreamBlocked, .egressBlocked),
            (429, "<html>cf-please-wait</html>", .upstreamBlocked, .egressBlocked),
            (503, "<html>Just a moment...</html>", .upstreamBlocked, .egressBlocked),
            (502, "<html>bad gateway</html>", .upstreamError, .failing),
            (
                403, #"{"detail":"Unusual activity has been detected from your device."}"#, .upstreamCheckRequired,
                .rateLimited
            ),
            (404, #"{"detail":{"code":"model_not_found","message":"no"}}"#, .modelNotFound, .none),
            (404, #"{"detail":{"code":"conversation_not_found"}}"#, .conversationUnavailable, .none),
            (404, #"{"detail":{"code":"history_disabled_conversation_not_found"}}"#, .conversationUnavailable, .none),
            (404, #"{"detail":"Can't load conversation"}"#, .conversationUnavailable, .none),
            (422, #"{"detail":"Invalid conversation body"}"#, .unprocessable, .none),
            (400, #"{"detail":"Failed to format messages."}"#, .invalidRequest, .none),
            (429, #"{"detail":"Only one message at a time."}"#, .rateLimitExceeded, .rateLimited),
            (429, "", .rateLimitExceeded, .rateLimited),
            (500, #"{"detail":"Internal server error"}"#, .upstreamError, .failing),
            (
                200, #"{"detail":"Our systems have detected unusual activity coming from your system."}"#,
                .upstreamCheckRequired, .rateLimited
            ),
            (200, #"{"detail":{"code":"model_cap_exceeded"}}"#, .rateLimitExceeded, .rateLimited),
            (200, "{}", .upstreamError, .failing),
        ]
    )
    func table(status: Int, body: String, code: GatewayError.Code, failureClass: FailureClass) {
        let error = Self.make(status, body)
        #expect(error.code == code)
        #expect(error.failureClass == failureClass)
        #expect(error.message.contains("<") == false)
    }

    @Test("The site says itself when its limit ends")
    func limits() {
        let body = #"{"detail":{"clears_in":252.2,"code":"model_cap_exceeded","message":"Too many."}}"#
        #expect(Self.make(429, body).retryAfter == 253)
        #expect(Self.make(429, body).failureClass == .rateLimited)
        #expect(Self.make(429, #"{"detail":"x"}"#, retryAfter: "7").retryAfter == 7)
        #expect(Self.make(429, #"{"detail":"Only one message at a time"}"#).retryAfter == 2)
        #expect(Self.make(429, #"{"detail":{"clears_in":-1,"code":"model_cap_exceeded"}}"#).retryAfter == nil)
        #expect(Self.make(429, #"{"detail":{"clears_in":1e300,"code":"model_cap_exceeded"}}"#).retryAfter == nil)
    }

    @Test("Another account may do where this one may not, and nobody does better with a bad request")
    func elsewhere() {
        #expect(Self.make(404, #"{"detail":{"code":"model_not_found"}}"#).retry == .elsewhere)
        #expect(Self.make(429, "{}").retry == .elsewhere)
        #expect(Self.make(400, #"{"detail":"bad"}"#).retry == .no)
        #expect(Self.make(422, #"{"detail":"bad"}"#).retry == .no)
    }

    @Test("Tokens in the site's own words are not repeated")
    func silence() {
        let token = ChatGPT.token()
        let error = Self.make(400, #"{"detail":"Bearer \#(token) is wrong"}"#)
        #expect(error.message.contains("eyJ") == false)
    }
}
