import Core
import HTTPCodec
import OpenAIAPI
import Providers
import Testing

@Suite("Grok's failures")
struct GrokErrorTests {
    private func failure(_ status: Int, _ body: String, retryAfter: String? = nil) throws -> GatewayError {
        try grok().failure(FailedAnswer(status: status, body: Array(body.utf8), retryAfter: retryAfter))
    }

    private static let page = "<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"

    private static func told(_ code: Int, _ message: String, bare: Bool = false) -> String {
        let error = #"{"code":\#(code),"message":"\#(message)","details":[]}"#
        return bare ? error : #"{"error":\#(error)}"#
    }

    @Test(
        "Statuses",
        arguments: [
            (401, told(16, "[WKE=unauthenticated:bad-credentials]"), .upstreamRefusedCredentials, .credentialsRefused),
            (401, "", .upstreamRefusedCredentials, .credentialsRefused),
            (
                403, told(7, "User is blocked: x. [WKE=unauthorized:blocked-user]", bare: true),
                .upstreamRefusedCredentials, .credentialsRefused
            ),
            (
                400, told(3, "x [WKE=account:email-domain-rejected]", bare: true), .upstreamRefusedCredentials,
                .credentialsRefused
            ),
            (403, told(7, "Request rejected by anti-bot rules."), .upstreamBlocked, .egressBlocked),
            (403, page, .upstreamBlocked, .egressBlocked),
            (200, page, .upstreamBlocked, .egressBlocked),
            (429, page, .upstreamBlocked, .egressBlocked),
            (503, page, .upstreamBlocked, .egressBlocked),
            (403, told(7, "Permission denied", bare: true), .upstreamRefusedCredentials, .failing),
            (400, told(3, "Invalid request. Please update your client"), .upstreamInvalid, .none),
            (400, told(3, "Message is empty"), .invalidRequest, .none),
            (400, told(3, "parentResponseId is not a response"), .conversationUnavailable, .none),
            (404, told(5, "Conversation not found", bare: true), .conversationUnavailable, .none),
            (404, told(5, "Model not found", bare: true), .modelNotFound, .none),
            (404, page, .upstreamInvalid, .none),
            (413, told(3, "Payload too large"), .bodyTooLarge, .none),
            (429, told(8, "Too many requests"), .rateLimitExceeded, .rateLimited),
            (500, "x", .upstreamError, .failing),
            (502, "<html>Bad Gateway</html>", .upstreamError, .failing),
            (503, told(14, "Service unavailable"), .upstreamOverloaded, .failing),
        ] as [(Int, String, GatewayError.Code, FailureClass)]
    )
    func statuses(status: Int, body: String, code: GatewayError.Code, failureClass: FailureClass) throws {
        let error = try failure(status, body)
        #expect(error.code == code && error.failureClass == failureClass)
        #expect(!error.message.contains("WKE") && !error.message.contains("<"))
    }

    @Test("How long to wait is what is said, or to be found out")
    func waits() throws {
        #expect(try failure(429, Self.told(8, "Too many requests")).retryAfter == nil)
        #expect(try failure(429, Self.told(8, "no quota left"), retryAfter: "7").retryAfter == 7)
    }

    @Test(
        "What a stream says went wrong",
        arguments: [
            ("globalRateLimit", .rateLimitExceeded, .rateLimited),
            ("usageLimitReached", .rateLimitExceeded, .rateLimited),
            ("usagePoolExhausted", .rateLimitExceeded, .rateLimited),
            ("concurrencyLimit", .rateLimitExceeded, .rateLimited),
            ("modelNotAvailable", .upstreamOverloaded, .rateLimited),
            ("systemKillSwitch", .upstreamOverloaded, .rateLimited),
            ("beyondContextLength", .contextLengthExceeded, .none),
            ("userPromptTooLong", .contextLengthExceeded, .none),
            ("contentModerated", .contentFilter, .none), ("attachmentModerated", .contentFilter, .none),
            ("attachmentImageTooLarge", .invalidFile, .none), ("attachmentFileTooLarge", .invalidFile, .none),
            ("attachmentTooManyPages", .invalidFile, .none), ("attachmentLoadFailed", .invalidFile, .none),
            ("internalError", .upstreamError, .failing), ("requestCancelled", .upstreamError, .failing),
            ("toolCallFailed", .upstreamError, .failing), ("whatever", .upstreamError, .failing),
        ] as [(String, GatewayError.Code, FailureClass)]
    )
    func streamErrors(kind: String, code: GatewayError.Code, failureClass: FailureClass) async throws {
        let error = #"{"message":"Stream aborted","\#(kind)":{},"severity":"STREAM_ERROR_SEVERITY_NORMAL"}"#
        for frame in [
            flat(#""error":\#(error)"#), nested(#""error":\#(error)"#), whole("", #","streamErrors":[\#(error)]"#),
        ] {
            let run = try await grokRead(frame)
            #expect(run.failure == code && run.failureClass == failureClass && run.finish == nil)
        }
    }

    @Test("Words alone, and codes at the top")
    func words() async throws {
        let aborted = #"Stream aborted: status: ResourceExhausted, message: \"Admission denied by x\""#
        #expect(try await grokRead(flat(#""error":{"message":"\#(aborted)"}"#)).failure == .upstreamOverloaded)
        #expect(
            try await grokRead(whole("", #","error":"You've reached your usage limit""#)).failure == .rateLimitExceeded
        )
        #expect(try await grokRead(whole("fine", #","error":"","streamErrors":[]"#)).finish == .stop)
        for (code, expected) in [
            (8, GatewayError.Code.rateLimitExceeded), (16, .upstreamRefusedCredentials), (3, .invalidRequest),
            (13, .upstreamError), (14, .upstreamOverloaded),
        ] {
            #expect(try await grokRead(Self.told(code, "x")).failure == expected)
        }
        #expect(try await grokRead(#"{"error":"x"}"#).failure == .upstreamError)
        #expect(try await grokRead(#"{"error":{"message":"x","usageLimitReached":{}}}"#).failure == .rateLimitExceeded)
    }

    @Test("After some text: a failure is one, a moderation ends it, a broken tool is nothing")
    func afterText() async throws {
        let run = try await grokRead(said("so far <"), flat(#""error":{"message":"x","internalError":{}}"#))
        #expect(run.text == "so far <" && run.failure == .upstreamError)
        let moderated = try await grokRead(said("so far"), flat(#""error":{"contentModerated":{}}"#))
        #expect(moderated.finish == .contentFilter && moderated.failure == nil)
        let tool = try await grokRead(whole("answer", #","streamErrors":[{"message":"x","toolCallFailed":{}}]"#))
        #expect(tool.text == "answer" && tool.finish == .stop)
        let early = try await grokRead(flat(#""error":{"message":"x","toolCallFailed":{}}"#), said("answer"))
        #expect(early.text == "answer" && early.finish == .stop)
    }

    @Test("The last pictures of an allowance are delivered")
    func lastPictures() async throws {
        let run = try await grokRead(
            whole("", #","generatedImageUrls":["users/a/image.jpg"],"streamErrors":[{"usageLimitReached":{}}]"#)
        )
        #expect(run.files.count == 1 && run.finish == .stop)
    }

    @Test("What is fatal is not tried again")
    func fatal() async throws {
        let reader = try await grok().open(grokTurn(), at: ScriptedDesk()).reader
        for (severity, retry) in [("FATAL", GatewayError.Retry.no), ("NORMAL", .elsewhere)] {
            var copy = reader
            var pieces = AnswerPieces()
            let frame = Array(
                flat(#""error":{"message":"x","internalError":{},"severity":"STREAM_ERROR_SEVERITY_\#(severity)"}"#)
                    .utf8
            )
            unsafe frame.withUnsafeBytes { unsafe copy.receive($0, into: &pieces) }
            guard case .failed(let error)? = pieces.pieces.last else {
                Issue.record("no failure")
                return
            }
            #expect(error.retry == retry)
        }
    }
}
