/// What is common to all requests of one `UpstreamClient`.
package struct UpstreamOptions: Sendable {
    /// From the start of the request to the end of the TLS handshake, the name's resolution included.
    package var connectTimeout: Duration = .seconds(5)
    /// `http://`, `https://` or `socks5://` and so on; nil goes direct. The environment's proxy variables never count.
    package var proxyURL: String?
    /// A PEM file with the authorities to trust instead of the system's.
    package var caFile: String?
    /// How many transfers, and connections in use or waiting for their next use, one of libcurl's multi handles may
    /// have. Its work for a request grows with this number; further transfers go to further handles.
    package var transfersPerShard = 64
    /// How long a shard without transfers keeps its connections. Longer than `maxConnectionAge`, it loses nothing.
    package var shardLife: Duration = .seconds(60)
    /// Connections that waited longer are not used again: servers and balancers commonly close after 60 to 75 s of
    /// silence, and a request must not race that.
    package var maxConnectionAge: Duration = .seconds(55)
    /// libcurl's read buffer, one for each open transfer. It reads until nothing is left, so a small one only costs more
    /// system calls for long bodies, and saves memory on silent streams.
    package var bufferBytes = 2048
    /// Offer HTTP/2 in the TLS handshake. Without it every stream has a connection, and its back-pressure, to itself.
    package var allowsHTTP2 = true
    /// How many bytes of a paused transfer are held when its connection is shared; more and it fails as `.overrun`.
    package var maxHeldBytes = 1024 * 1024
    /// Status line and header fields together; more is an error.
    package var maxHeadBytes = 64 * 1024
    package var userAgent = "Millrace"
    /// Whether connections may only go to the public network: for addresses that strangers name. It cannot hold what a
    /// proxy does on our behalf.
    package var isPublicOnly = false

    package init() {}
}
