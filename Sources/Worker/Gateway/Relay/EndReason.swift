/// How an answer ended: every request gets exactly one.
enum EndReason: String, CaseIterable {
    case done
    case upstreamCut = "upstream_cut"
    case upstreamIdle = "upstream_idle"
    case upstreamError = "upstream_error"
    case clientGone = "client_gone"
    case clientStalled = "client_stalled"
    case drained
    /// The gateway could not serve, through no fault of an upstream: Redis is away, the worker is going.
    case gatewayError = "gateway_error"
    /// The request itself was refused.
    case refused
}
