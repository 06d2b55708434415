import Core
import Providers
import Testing

@Suite("Unsuccessful answers of Gemini")
struct GeminiFailureTests {
    private func failure(_ status: Int, _ body: String, retryAfter: String? = nil) -> GatewayError {
        gemini.failure(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    private func body(_ code: Int, _ status: String, _ message: String = "m", details: String = "") -> String {
        #"{"error":{"code":\#(code),"message":"\#(message)","status":"\#(status)","details":[\#(details)]}}"#
    }

    @Test(
        "Every row of the table",
        arguments: [
            (400, "INVALID_ARGUMENT", "m", "", GatewayError.Code.invalidRequest, FailureClass.none),
            (
                400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "",
                .upstreamRefusedCredentials, .credentialsRefused
            ),
            (
                400, "INVALID_ARGUMENT", "m", #"{"@type":"x","reason":"API_KEY_INVALID"}"#,
                .upstreamRefusedCredentials, .credentialsRefused
            ),
            (
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                "", .contextLengthExceeded, .none
            ),
            (
                400, "FAILED_PRECONDITION", "User location is not supported", "", .upstreamRefusedCredentials,
                .modelForbidden
            ),
            (401, "UNAUTHENTICATED", "m", "", .upstreamRefusedCredentials, .credentialsRefused),
            (403, "PERMISSION_DENIED", "m", "", .upstreamRefusedCredentials, .modelForbidden),
            (404, "NOT_FOUND", "m", "", .modelNotFound, .none),
            (429, "RESOURCE_EXHAUSTED", "m", "", .rateLimitExceeded, .rateLimited),
            (
                429, "RESOURCE_EXHAUSTED", "m", #"{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}"#,
                .insufficientQuota, .quotaExhausted
            ),
            (
                429, "RESOURCE_EXHAUSTED", "m",
                #"{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}"#,
                .insufficientQuota, .rateLimited
            ),
            (499, "CANCELLED", "m", "", .upstreamError, .none), (500, "INTERNAL", "m", "", .upstreamError, .failing),
            (503, "UNAVAILABLE", "m", "", .upstreamOverloaded, .failing),
            (504, "DEADLINE_EXCEEDED", "m", "", .upstreamTimeout, .failing),
        ] as [(Int, String, String, String, GatewayError.Code, FailureClass)]
    )
    func table(
        _ status: Int,
        _ word: String,
        _ message: String,
        _ details: String,
        _ code: GatewayError.Code,
        _ verdict: FailureClass
    ) {
        for form in [
            body(status, word, message, details: details), "[\(body(status, word, message, details: details))]",
        ] {
            let error = failure(status, form)
            #expect(error.code == code)
            #expect(error.failureClass == verdict)
            #expect(error.upstreamCode == nil || error.upstreamCode == "context_length_exceeded")
            #expect(error.cause == "status \(status)")
        }
    }

    @Test(
        "The time to wait stands in the body",
        arguments: [
            ("34.4s", 35), ("0s", 0), ("s", nil), ("-1s", nil), ("1e300s", nil), ("nans", nil), ("34", nil),
        ] as [(String, Int?)]
    )
    func retry(_ delay: String, _ seconds: Int?) {
        let details = #"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"\#(delay)"}"#
        let error = failure(429, body(429, "RESOURCE_EXHAUSTED", details: details))
        #expect(error.retryAfter == seconds)
        #expect(error.status == 429)
    }

    @Test("A day's quota is not waited for")
    func daily() {
        let details =
            #"{"retryDelay":"34s"},{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}"#
        #expect(failure(429, body(429, "RESOURCE_EXHAUSTED", details: details)).retryAfter == nil)
    }

    @Test("Keys are not repeated, and what is no error of Google's is judged by its status")
    func shapes() {
        let key = "AIza" + String(repeating: "x1", count: 12)
        #expect(!failure(404, body(404, "NOT_FOUND", "no model for \(key)")).message.contains(key))
        #expect(failure(429, "<html>").failureClass == .egressBlocked)
        #expect(failure(400, #"{"error":"words"}"#).message == "words")
        #expect(
            failure(400, #"{"error":{"code":[],"message":{},"status":1,"details":{"a":1}}}"#).code == .invalidRequest
        )
        #expect(failure(503, "", retryAfter: "7").retryAfter == 7)
    }
}
