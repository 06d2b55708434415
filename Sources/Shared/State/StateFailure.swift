package import Core
package import Redis

extension GatewayError {
    /// What a request is told when the cluster's memory cannot be asked.
    package static func stateUnavailable(_ error: RedisError) -> GatewayError {
        GatewayError(
            .stateUnavailable,
            "The service's state cannot be reached. Please try again.",
            retryAfter: 1,
            cause: "\(error.label): \(error.message)"
        )
    }
}
