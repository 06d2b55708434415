import Core
import Testing

@Suite("Gateway errors")
struct GatewayErrorTests {
    /// The published contract: status and type of every code.
    private static let contract: [GatewayError.Code: (status: Int, type: String)] = [
        .invalidRequest: (400, "invalid_request_error"),
        .invalidJSON: (400, "invalid_request_error"),
        .missingParameter: (400, "invalid_request_error"),
        .unsupportedParameter: (400, "invalid_request_error"),
        .contextLengthExceeded: (400, "invalid_request_error"),
        .invalidAPIKey: (401, "invalid_request_error"),
        .invalidCredentials: (401, "invalid_request_error"),
        .permissionDenied: (403, "permission_error"),
        .modelNotFound: (404, "invalid_request_error"),
        .notFound: (404, "invalid_request_error"),
        .previousResponseNotFound: (400, "invalid_request_error"),
        .conversationUnavailable: (409, "invalid_request_error"),
        .missingConversationID: (400, "invalid_request_error"),
        .contentFilter: (400, "invalid_request_error"),
        .invalidFile: (400, "invalid_request_error"),
        .upstreamBlocked: (502, "server_error"),
        .upstreamCheckRequired: (403, "server_error"),
        .methodNotAllowed: (405, "invalid_request_error"),
        .requestTimeout: (408, "invalid_request_error"),
        .conflict: (409, "invalid_request_error"),
        .lengthRequired: (411, "invalid_request_error"),
        .bodyTooLarge: (413, "invalid_request_error"),
        .uriTooLong: (414, "invalid_request_error"),
        .unsupportedMediaType: (415, "invalid_request_error"),
        .unprocessable: (422, "invalid_request_error"),
        .rateLimitExceeded: (429, "rate_limit_error"),
        .insufficientQuota: (429, "insufficient_quota"),
        .budgetExhausted: (402, "insufficient_quota"),
        .headersTooLarge: (431, "invalid_request_error"),
        .clientGone: (499, "invalid_request_error"),
        .internalError: (500, "server_error"),
        .notImplemented: (501, "invalid_request_error"),
        .upstreamError: (502, "server_error"),
        .upstreamRefusedCredentials: (502, "server_error"),
        .upstreamUnreachable: (502, "server_error"),
        .upstreamCut: (502, "server_error"),
        .upstreamInvalid: (502, "server_error"),
        .upstreamOverloaded: (503, "server_error"),
        .overloaded: (503, "server_error"),
        .stateUnavailable: (503, "server_error"),
        .upstreamTimeout: (504, "server_error"),
        .upstreamIdle: (504, "server_error"),
        .httpVersionNotSupported: (505, "invalid_request_error"),
    ]

    @Test("Every code has the status and the type that is published", arguments: GatewayError.Code.allCases)
    func contract(_ code: GatewayError.Code) throws {
        let error = GatewayError(code, "")
        let expected = try #require(Self.contract[code])
        #expect(error.status == expected.status)
        #expect(error.type == expected.type)
        #expect(error.label == code.rawValue)
    }

    @Test("Codes are told apart by name")
    func names() {
        #expect(Set(GatewayError.Code.allCases.map(\.rawValue)).count == GatewayError.Code.allCases.count)
    }

    @Test("An upstream's own type is kept for limits and for the client's mistakes only")
    func upstreamType() {
        func type(_ code: GatewayError.Code) -> String {
            var error = GatewayError(code, "")
            error.upstreamType = "tokens"
            return error.type
        }
        #expect(type(.rateLimitExceeded) == "tokens")
        #expect(type(.invalidRequest) == "tokens")
        #expect(type(.upstreamError) == "server_error")
        #expect(type(.insufficientQuota) == "insufficient_quota")
    }

    @Test("Operators are warned of faults that are not the client's")
    func levels() {
        #expect(GatewayError(.invalidRequest, "", source: .client).logLevel == .info)
        #expect(GatewayError(.upstreamError, "", source: .upstream).logLevel == .warning)
        #expect(GatewayError(.overloaded, "").logLevel == .warning)
        #expect(GatewayError(.internalError, "").logLevel == .error)
    }

    @Test("A refusal is the client's and knows its parameter and its place")
    func refusal() {
        let error = GatewayError.invalid("messages[0]", "no")
        #expect(error.parameter == "messages[0]")
        #expect(error.source == .client)
        #expect(error.retry == .no)
        #expect(error.code == .invalidRequest)
        #expect("\(error.file)" == "CoreTests/GatewayErrorTests.swift")
    }
}
