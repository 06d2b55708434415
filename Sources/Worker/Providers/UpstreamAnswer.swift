internal import Core
internal import JSON

/// Whole answers of upstreams, whatever their dialect.
enum UpstreamAnswer {
    static func parse(_ body: [UInt8]) throws(GatewayError) -> JSONDocument {
        do throws(JSONError) {
            return try JSONDocument(parsing: body)
        } catch {
            throw GatewayError(
                .upstreamInvalid,
                "The upstream's answer is not valid JSON.",
                source: .upstream,
                retry: .elsewhere,
                cause: error.description
            )
        }
    }

    /// The upstream answered something else.
    static var unexpected: GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream's answer is not what was asked for.",
            source: .upstream,
            retry: .elsewhere
        )
    }
}
