import Core
import Testing

@testable import Providers

@Suite("Unsuccessful answers")
struct FailureTests {
    private func failure(_ status: Int, _ body: String = "", retryAfter: String? = nil) -> GatewayError {
        UpstreamFailure.make(
            FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter, now: { 784_111_777 })
        )
    }

    @Test(
        "Every status has a meaning",
        arguments: [
            (300, GatewayError.Code.upstreamError, GatewayError.Source.upstream, GatewayError.Retry.elsewhere),
            (400, .invalidRequest, .client, .no), (401, .upstreamRefusedCredentials, .upstream, .elsewhere),
            (402, .insufficientQuota, .upstream, .elsewhere), (403, .upstreamRefusedCredentials, .upstream, .elsewhere),
            (404, .modelNotFound, .client, .elsewhere), (405, .invalidRequest, .client, .no),
            (408, .upstreamTimeout, .upstream, .elsewhere), (409, .conflict, .client, .no),
            (411, .invalidRequest, .client, .no), (413, .bodyTooLarge, .client, .no),
            (414, .invalidRequest, .client, .no), (415, .invalidRequest, .client, .no),
            (418, .upstreamError, .upstream, .elsewhere), (422, .unprocessable, .client, .no),
            (429, .rateLimitExceeded, .upstream, .elsewhere), (431, .invalidRequest, .client, .no),
            (500, .upstreamError, .upstream, .elsewhere), (502, .upstreamError, .upstream, .elsewhere),
            (503, .upstreamOverloaded, .upstream, .elsewhere), (504, .upstreamTimeout, .upstream, .elsewhere),
            (529, .upstreamOverloaded, .upstream, .elsewhere), (0, .upstreamError, .upstream, .elsewhere),
        ]
    )
    func table(
        _ status: Int,
        _ code: GatewayError.Code,
        _ source: GatewayError.Source,
        _ retry: GatewayError.Retry
    ) {
        for body in ["", "<html>", #"{"error":{"message":"m","type":"t","code":null}}"#] {
            let error = failure(status, body)
            #expect(error.code == code)
            #expect(error.source == source)
            #expect(error.retry == retry)
            #expect(error.cause == "status \(status)")
            #expect(!error.message.isEmpty)
        }
    }

    @Test(
        "What a failure says about the account",
        arguments: [
            (400, FailureClass.none), (401, .credentialsRefused), (402, .quotaExhausted), (403, .modelForbidden),
            (404, .none), (408, .failing), (409, .none), (413, .none), (422, .none), (429, .rateLimited),
            (500, .failing),
            (503, .failing), (529, .failing), (302, .none),
        ]
    )
    func classes(_ status: Int, _ expected: FailureClass) {
        #expect(failure(status, #"{"error":{"message":"m"}}"#).failureClass == expected)
        #expect(failure(status).failureClass == expected)
    }

    @Test("A web page in place of an error judges the way there, not the account", arguments: [401, 403, 429])
    func pages(_ status: Int) {
        #expect(failure(status, "\r\n <!DOCTYPE html><title>Just a moment</title>").failureClass == .egressBlocked)
        #expect(failure(status, "no page").failureClass != .egressBlocked)
    }

    @Test("An empty balance is told from a limit in the class too")
    func quotaClass() {
        #expect(failure(429, #"{"error":{"type":"insufficient_quota"}}"#).failureClass == .quotaExhausted)
    }

    @Test("Codes tell apart what statuses do not")
    func codes() {
        let quota = failure(429, #"{"error":{"message":"You exceeded your quota","type":"insufficient_quota"}}"#)
        #expect(quota.code == .insufficientQuota)
        #expect(!quota.message.contains("You exceeded"), "the operator's balance is not the client's")
        let length = failure(
            400,
            #"{"error":{"message":"too long","code":"context_length_exceeded","param":"messages"}}"#
        )
        #expect(length.code == .contextLengthExceeded)
        #expect(length.parameter == "messages")
        let limit = failure(429, #"{"error":{"message":"Limit 3","type":"tokens","code":"rate_limit_exceeded"}}"#)
        #expect(limit.type == "tokens")
        #expect(limit.message == "The upstream's rate limit is reached.")
    }

    @Test(
        "The client's own mistake is told in the vendor's words, wherever they stand",
        arguments: [
            #"{"error":{"message":"no such thing","type":"t","param":"p","code":"c"}}"#,
            #"{"message":"no such thing","type":"t","param":"p","code":"c"}"#,
            #"{"error":null,"message":"no such thing","type":"t","param":"p","code":"c"}"#,
            #"[{"error":{"message":"no such thing","type":"t","param":"p","code":"c"}}]"#,
        ]
    )
    func words(_ body: String) {
        let error = failure(400, body)
        #expect(error.message == "no such thing")
        #expect(error.parameter == "p")
        #expect(error.upstreamCode == "c")
        #expect(error.type == "t")
    }

    @Test("Texts alone are understood, numbers are codes, long bodies are cut")
    func shapes() {
        #expect(failure(400, #"{"error":"just words"}"#).message == "just words")
        #expect(failure(422, #"{"detail":"just words"}"#).message == "just words")
        #expect(failure(400, #"{"error":{"message":"m","code":1234}}"#).upstreamCode == "1234")
        let long = String(repeating: "long words ", count: 1000)
        #expect(failure(400, #"{"error":{"message":"\#(long)"}}"#).message.count == 1000)
        let token = String(repeating: "t", count: 129)
        #expect(failure(400, #"{"error":{"message":"m","code":"\#(token)"}}"#).upstreamCode == nil)
    }

    @Test("A refused key never reaches the client, in no status", arguments: [400, 401, 403, 404, 429, 500, 503])
    func secrets(_ status: Int) {
        let error = failure(status, #"{"error":{"message":"Incorrect API key provided: sk-proj-a1B2c3D4e5F6g7H8."}}"#)
        #expect(!error.message.contains("a1B2c3"))
    }

    @Test(
        "Retry-After is read in seconds and as a date",
        arguments: [
            ("0", 0), ("20", 20), ("1.2", 2), ("-1", nil), ("nan", nil), ("inf", nil), ("1e300", nil), ("soon", nil),
            ("", nil), ("Sun, 06 Nov 1994 08:49:47 GMT", 10), ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
            ("Sat, 05 Nov 1994 08:49:37 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", nil),
        ] as [(String, Int?)]
    )
    func retryAfter(_ text: String, _ seconds: Int?) {
        #expect(failure(429, retryAfter: text).retryAfter == seconds)
        #expect(failure(429).retryAfter == nil)
    }
}

@Suite("Dates of HTTP")
struct HTTPDateTests {
    @Test(
        "Dates count from 1970",
        arguments: [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400), ("Sun, 28 Feb 2100 00:00:00 GMT", 4_107_456_000),
        ]
    )
    func dates(_ text: String, _ seconds: Int) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(
        "What is no date is none, and never a trap",
        arguments: [
            "", "now", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:00 GMT", "Sun, 06 Nov 1994 -1:00:00 GMT",
            "Sun, 06 Nov 1994 9223372036854775807:00:00 GMT", "Sun, 06 Nov 1994 08:9223372036854775807:00 GMT",
            "Sun, 06 Nov 9223372036854775807 08:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 06 Nov 1994 08::49:37 GMT",
        ]
    )
    func refuses(_ text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}

@Suite("Redaction")
struct RedactionTests {
    @Test(
        "Ordinary words, names and numbers stay",
        arguments: [
            "The model `gpt-4o-mini-2024-07-18` does not exist or you do not have access to it.",
            "This model's maximum context length is 128000 tokens, however you requested 1234567890123 tokens.",
            "Model 550e8400-e29b-41d4-a716-446655440000 is gone", "claude-sonnet-4-5-20250929 key-value pairs",
            "meta-llama/Llama-3.1-8B-Instruct at docs/guides/error-codes, 1.2.3 and 10:30:00",
            "Antidisestablishmentarianism and max_completion_tokens, key-words and Bearer authentication",
            "messages[12].content[3].image_url 夜市🎏 invalid_request_error_4", "",
        ]
    )
    func keeps(_ text: String) {
        #expect(Redaction.redact(text) == text)
    }

    @Test(
        "Whatever looks like a secret goes",
        arguments: [
            ("Incorrect API key provided: sk-abcdefgh.", "Incorrect API key provided: [redacted]"),
            ("key sk-proj-****************wxyz given", "key [redacted] given"),
            ("Authorization: Bearer a1b2c3d4e5", "Authorization: Bearer [redacted]"),
            ("bearer abcdefghijklmnopqrstuvwxyz", "bearer [redacted]"),
            ("api_key=sk-ab_cd-ef1234", "api_key=[redacted]"),
            ("GET /v1/models?key=AIzaSy-ab_cdEF12 failed", "GET /v1/models?key=[redacted] failed"),
            ("token eyJhbGciOi.eyJzdWIi.sig_nature", "token [redacted]"),
            ("hf_abcdefgh, xai-abcdefgh and gsk_abcdefgh", "[redacted], [redacted] and [redacted]"),
            ("(9f86d081884c7d659a2feaa0c55ad015)", "([redacted])"),
            ("nvapi-AbC123AbC123AbC123AbC123_x", "[redacted]"),
            ("c2VjcmV0IHNlY3JldDEyMzQ=", "[redacted]="),
            ("key-1234567890ab", "[redacted]"),
            (
                "see https://a.internal/c?x=y, not 10.0.0.5:8000 or 10.0.0.6",
                "see [address]?x=y, not [address] or [address]"
            ),
        ]
    )
    func hides(_ text: String, _ expected: String) {
        #expect(Redaction.redact(text) == expected)
    }
}
