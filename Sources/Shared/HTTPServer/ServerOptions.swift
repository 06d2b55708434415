package import HTTPCodec

/// How a server treats its clients.
package struct ServerOptions: Sendable {
    package var limits: HTTPLimits
    /// From the first byte of a request to the end of its head.
    package var headTimeout: Duration
    /// For the body to begin with; a body that keeps coming at `slowestBody` or faster is never cut.
    package var bodyTimeout: Duration
    /// Bytes a second; a client that takes its answers as fast as this is not cut either.
    package var slowestBody: Int
    /// How long a connection may stay without a request. Longer than the edge keeps its own side, so that the edge
    /// closes first and never sends into a closing connection.
    package var idleTimeout: Duration
    /// Bytes of following requests that are read while one is being answered.
    package var pipelinedBytes: Int

    package init(
        limits: HTTPLimits = HTTPLimits(),
        headTimeout: Duration = .seconds(10),
        bodyTimeout: Duration = .seconds(30),
        slowestBody: Int = 16 * 1024,
        idleTimeout: Duration = .seconds(90),
        pipelinedBytes: Int = 64 * 1024
    ) {
        self.limits = limits
        self.headTimeout = headTimeout
        self.bodyTimeout = bodyTimeout
        self.slowestBody = slowestBody
        self.idleTimeout = idleTimeout
        self.pipelinedBytes = pipelinedBytes
    }
}
