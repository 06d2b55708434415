package import Core

extension HTTPParseError {
    /// The same failure in the gateway's terms, for the error body, the log and the metrics.
    package var gatewayError: GatewayError {
        let code: GatewayError.Code =
            switch status {
            case 411: .lengthRequired
            case 413: .bodyTooLarge
            case 414: .uriTooLong
            case 431: .headersTooLarge
            case 501: .notImplemented
            case 505: .httpVersionNotSupported
            default: .invalidRequest
            }
        return .invalid(nil, "The request cannot be read: \(reason).", code: code)
    }
}
