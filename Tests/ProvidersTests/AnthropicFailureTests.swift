import Core
import Providers
import Testing

@Suite("Anthropic's unsuccessful answers")
struct AnthropicFailureTests {
    private func failure(_ status: Int, _ error: String, retryAfter: String? = nil) -> GatewayError {
        let body = #"{"type":"error","error":\#(error),"request_id":"req_1"}"#
        return anthropic.failure(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    @Test(
        "Every status and type",
        arguments: [
            (400, "invalid_request_error", 400, GatewayError.Code.invalidRequest, FailureClass.none),
            (401, "authentication_error", 502, .upstreamRefusedCredentials, .credentialsRefused),
            (402, "billing_error", 429, .insufficientQuota, .quotaExhausted),
            (403, "permission_error", 502, .upstreamRefusedCredentials, .modelForbidden),
            (404, "not_found_error", 404, .modelNotFound, .none),
            (408, "timeout_error", 504, .upstreamTimeout, .failing),
            (409, "conflict_error", 409, .conflict, .none), (413, "request_too_large", 413, .bodyTooLarge, .none),
            (422, "invalid_request_error", 422, .unprocessable, .none),
            (429, "rate_limit_error", 429, .rateLimitExceeded, .rateLimited),
            (500, "api_error", 502, .upstreamError, .failing), (504, "timeout_error", 504, .upstreamTimeout, .failing),
            (529, "overloaded_error", 503, .upstreamOverloaded, .failing),
        ]
    )
    func table(
        _ status: Int,
        _ type: String,
        _ shown: Int,
        _ code: GatewayError.Code,
        _ failureClass: FailureClass
    ) {
        let error = failure(status, #"{"type":"\#(type)","message":"m"}"#, retryAfter: "7")
        #expect(error.status == shown)
        #expect(error.code == code)
        #expect(error.failureClass == failureClass)
        #expect(error.retryAfter == 7)
        // The vendor's types are none that OpenAI's clients know.
        #expect(error.upstreamType == nil)
    }

    @Test(
        "A request that is too long",
        arguments: [
            "prompt is too long: 205000 tokens > 200000 maximum",
            "input length and `max_tokens` exceed context limit: 190000 + 64000 > 200000",
        ]
    )
    func tooLong(_ message: String) {
        let error = failure(400, #"{"type":"invalid_request_error","message":"\#(message)"}"#)
        #expect(error.code == .contextLengthExceeded)
        #expect(error.type == "invalid_request_error")
        #expect(error.retry == .no)
    }

    @Test("An empty account is not the client's mistake, whatever its status")
    func exhausted() {
        let errors = [
            failure(
                400,
                #"{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}"#
            ),
            failure(
                400,
                #"{"type":"invalid_request_error","message":"You have reached your specified API usage limits."}"#
            ),
            failure(
                429,
                #"{"type":"rate_limit_error","message":"m","details":{"error_code":"enforced_spend_limit_reached"}}"#,
                retryAfter: "5"
            ),
        ]
        for error in errors {
            #expect(error.code == .insufficientQuota)
            #expect(error.type == "insufficient_quota")
            #expect(error.source == .upstream)
            #expect(error.retry == .elsewhere)
            #expect(error.failureClass == .quotaExhausted)
            #expect(!error.message.contains("credit"))
        }
    }

    @Test("A limit that tells no end is final for the client, and still only a rest for the account")
    func endless() {
        let error = failure(429, #"{"type":"rate_limit_error","message":"m"}"#)
        #expect(error.code == .insufficientQuota)
        #expect(error.failureClass == .rateLimited)
        let ramp = failure(
            429,
            #"{"type":"rate_limit_error","message":"m","details":{"error_code":"ramp_limit_exceeded"}}"#,
            retryAfter: "30"
        )
        #expect(ramp.code == .rateLimitExceeded)
        #expect(ramp.retryAfter == 30)
        // A page is nobody's word on a limit.
        let page = anthropic.failure(FailedAnswer(status: 429, body: Array("<html>".utf8)))
        #expect(page.code == .rateLimitExceeded)
        #expect(page.failureClass == .egressBlocked)
    }

    @Test("Pages of whatever stands before the vendor")
    func pages() {
        #expect(anthropic.failure(FailedAnswer(status: 413, body: Array("<html>too large".utf8))).code == .bodyTooLarge)
        #expect(anthropic.failure(FailedAnswer(status: 403, body: Array("<html>".utf8))).failureClass == .egressBlocked)
    }

    @Test(
        "The parameter at fault, by the client's name for it",
        arguments: [
            ("messages.0.content.1.text: must be non-empty", "messages"), ("system: too many", "messages"),
            ("tools.3.custom.name: bad", "tools"), ("temperature: Extra inputs are not permitted", "temperature"),
            ("max_tokens: 999999 > 64000", "max_tokens"), ("stop_sequences: x", "stop"),
            ("output_config.format: bad", "response_format"), ("no path here", nil), ("other.thing: x", nil), ("", nil),
        ]
    )
    func parameters(_ message: String, _ parameter: String?) {
        #expect(failure(400, #"{"type":"invalid_request_error","message":"\#(message)"}"#).parameter == parameter)
    }

    @Test("Keys and addresses are kept back, nonsense is survived")
    func hostile() {
        let error = failure(400, #"{"type":"x","message":"key sk-ant-api03-abcdefgh123 at https://host/x"}"#)
        #expect(!error.message.contains("sk-ant"))
        #expect(!error.message.contains("host"))
        for body in ["", "[]", "{", #"{"error":7}"#, #"{"error":{"message":{},"details":[]}}"#, "\u{0}\u{1}"] {
            for status in [0, 400, 429, 529] {
                #expect(!anthropic.failure(FailedAnswer(status: status, body: Array(body.utf8))).message.isEmpty)
            }
        }
    }
}
