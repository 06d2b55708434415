extension GatewayError {
    /// Every failure the gateway can report. The switches below are exhaustive, so that a new code cannot be added
    /// without a status, a type and a level.
    package enum Code: String, Sendable, CaseIterable {
        case invalidRequest = "invalid_value"
        case invalidJSON = "invalid_json"
        case missingParameter = "missing_required_parameter"
        case unsupportedParameter = "unsupported_parameter"
        case contextLengthExceeded = "context_length_exceeded"
        case invalidAPIKey = "invalid_api_key"
        /// The administration wants a log-in, not an API key.
        case invalidCredentials = "invalid_credentials"
        case permissionDenied = "permission_denied"
        case modelNotFound = "model_not_found"
        case notFound = "not_found"
        case previousResponseNotFound = "previous_response_not_found"
        /// A conversation that lives at an upstream cannot be gone on with.
        case conversationUnavailable = "conversation_unavailable"
        case missingConversationID = "missing_conversation_id"
        /// An upstream will not speak of this.
        case contentFilter = "content_filter"
        /// A file that an upstream does not take.
        case invalidFile = "invalid_file"
        case methodNotAllowed = "method_not_allowed"
        case requestTimeout = "request_timeout"
        case conflict = "conflict"
        case lengthRequired = "length_required"
        case bodyTooLarge = "body_too_large"
        case uriTooLong = "uri_too_long"
        case unsupportedMediaType = "unsupported_media_type"
        case unprocessable = "unprocessable_request"
        case rateLimitExceeded = "rate_limit_exceeded"
        case insufficientQuota = "insufficient_quota"
        /// The API key has spent its budget; an upstream account that has is `insufficientQuota`.
        case budgetExhausted = "budget_exhausted"
        case headersTooLarge = "headers_too_large"
        case clientGone = "client_gone"
        case internalError = "internal_error"
        case notImplemented = "not_implemented"
        case upstreamError = "upstream_error"
        case upstreamRefusedCredentials = "upstream_refused_credentials"
        case upstreamUnreachable = "upstream_unreachable"
        case upstreamCut = "upstream_cut"
        /// Something in front of the upstream, a bot check or a firewall, keeps us out.
        case upstreamBlocked = "upstream_blocked"
        /// The upstream wants to be shown something that only a browser has.
        case upstreamCheckRequired = "upstream_check_required"
        case upstreamInvalid = "upstream_invalid_response"
        case upstreamOverloaded = "upstream_overloaded"
        case overloaded = "overloaded"
        case stateUnavailable = "state_unavailable"
        case upstreamTimeout = "upstream_timeout"
        case upstreamIdle = "upstream_idle"
        case httpVersionNotSupported = "http_version_not_supported"
    }

    package var status: Int {
        switch code {
        case .invalidRequest, .invalidJSON, .missingParameter, .unsupportedParameter, .contextLengthExceeded,
            .previousResponseNotFound, .missingConversationID, .contentFilter, .invalidFile:
            400
        case .invalidAPIKey, .invalidCredentials: 401
        case .budgetExhausted: 402
        case .permissionDenied, .upstreamCheckRequired: 403
        case .modelNotFound, .notFound: 404
        case .methodNotAllowed: 405
        case .requestTimeout: 408
        case .conflict, .conversationUnavailable: 409
        case .lengthRequired: 411
        case .bodyTooLarge: 413
        case .uriTooLong: 414
        case .unsupportedMediaType: 415
        case .unprocessable: 422
        case .rateLimitExceeded, .insufficientQuota: 429
        case .headersTooLarge: 431
        case .clientGone: 499
        case .internalError: 500
        case .notImplemented: 501
        case .upstreamError, .upstreamRefusedCredentials, .upstreamUnreachable, .upstreamCut, .upstreamInvalid,
            .upstreamBlocked:
            502
        case .upstreamOverloaded, .overloaded, .stateUnavailable: 503
        case .upstreamTimeout, .upstreamIdle: 504
        case .httpVersionNotSupported: 505
        }
    }

    /// The `type` member of the OpenAI error body.
    package var type: String {
        switch code {
        case .rateLimitExceeded: upstreamType ?? "rate_limit_error"
        case .insufficientQuota, .budgetExhausted: "insufficient_quota"
        case .permissionDenied: "permission_error"
        case .invalidRequest, .invalidJSON, .missingParameter, .unsupportedParameter, .contextLengthExceeded,
            .invalidAPIKey, .invalidCredentials, .modelNotFound, .notFound, .previousResponseNotFound,
            .conversationUnavailable, .missingConversationID, .contentFilter, .invalidFile, .methodNotAllowed,
            .requestTimeout, .conflict, .lengthRequired, .bodyTooLarge, .uriTooLong, .unsupportedMediaType,
            .unprocessable, .headersTooLarge,
            .clientGone, .notImplemented, .httpVersionNotSupported:
            upstreamType ?? "invalid_request_error"
        case .internalError, .upstreamError, .upstreamRefusedCredentials, .upstreamUnreachable, .upstreamCut,
            .upstreamBlocked, .upstreamCheckRequired, .upstreamInvalid, .upstreamOverloaded, .overloaded,
            .stateUnavailable, .upstreamTimeout, .upstreamIdle:
            "server_error"
        }
    }

    /// What the operator needs to see: faults of the client are normal life, faults of upstreams are warnings.
    package var logLevel: LogLevel {
        switch source {
        case .client: .info
        case .upstream: .warning
        case .gateway: code == .internalError ? .error : .warning
        }
    }

    /// For metrics: no values in it, so that its cardinality stays that of `Code`.
    package var label: String { code.rawValue }
}
