/// What went wrong with one request, in the terms of everyone who must act on it: the client (status, message,
/// parameter), the retry loop (`source`, `retry`), the log (level, cause, place) and the metrics (`label`).
package struct GatewayError: Error, Sendable {
    package enum Source: Sendable { case client, upstream, gateway }

    /// Whether the same request may be sent somewhere else.
    package enum Retry: Sendable {
        case no
        case elsewhere
    }

    package var code: Code
    package var source: Source
    package var retry: Retry
    /// For people; never holds keys, addresses or an upstream's body verbatim.
    package var message: String
    /// The request parameter at fault, if there is one.
    package var parameter: String?
    /// Seconds after which the client may try again.
    package var retryAfter: Int?
    /// For the log only, never for the client.
    package var cause: String?
    /// What the upstream itself said: kept where it means more to the client than our own words.
    package var upstreamCode: String?
    package var upstreamType: String?
    /// What the failure says about the account that was used.
    package var failureClass = FailureClass.none
    /// A digest of what the upstream said: enough to recognise it, too little to tell it.
    package var evidence = ""
    package var file: StaticString
    package var line: Int

    package init(
        _ code: Code,
        _ message: String,
        source: Source = .gateway,
        retry: Retry = .no,
        parameter: String? = nil,
        retryAfter: Int? = nil,
        cause: String? = nil,
        file: StaticString = #fileID,
        line: Int = #line
    ) {
        self.code = code
        self.message = message
        self.source = source
        self.retry = retry
        self.parameter = parameter
        self.retryAfter = retryAfter
        self.cause = cause
        self.file = file
        self.line = line
    }

    /// The client sent something that cannot be served as it stands.
    package static func invalid(
        _ parameter: String?,
        _ message: String,
        code: Code = .invalidRequest,
        file: StaticString = #fileID,
        line: Int = #line
    ) -> GatewayError {
        GatewayError(code, message, source: .client, parameter: parameter, file: file, line: line)
    }
}
