/// Where Redis is and how to enter: one server, the master that sentinels name, or a cluster.
///
/// - `redis://[[user]:password@]host[:port][/db]`
/// - `unix://[[user]:password@]/path[?db=N]`
/// - `redis+sentinel://[[user]:password@]host[:port],host[:port]/name[/db]`; the credentials are for Redis, sentinels
///   that want a password of their own get it by `?sentinel_password=…`
/// - `redis+cluster://[[user]:password@]host[:port],host[:port]`: any of its nodes
///
/// User, password, path and name may be percent-encoded.
package struct RedisAddress: Sendable, Equatable {
    package enum Endpoint: Sendable, Hashable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    package enum Topology: Sendable, Equatable {
        /// The endpoint is the server. Of several, each attempt to connect tries the next.
        case server
        /// The endpoints are sentinels, which know where the master of this name is.
        case sentinel(master: String)
        /// The endpoints are some of a cluster's nodes, which know the others.
        case cluster
    }

    /// Never empty.
    package private(set) var endpoints: [Endpoint]
    package private(set) var topology: Topology
    package var user: String?
    package var password: String?
    package var database: Int
    package var sentinelPassword: String?

    package init(_ endpoint: Endpoint, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.init([endpoint], .server)
        self.user = user
        self.password = password
        self.database = database
    }

    init(_ endpoints: [Endpoint], _ topology: Topology) {
        precondition(!endpoints.isEmpty, "an address has an endpoint")
        self.endpoints = endpoints
        self.topology = topology
        database = 0
    }

    /// One server with the same credentials.
    func server(at endpoint: Endpoint) -> RedisAddress {
        RedisAddress(endpoint, user: user, password: password, database: database)
    }

    /// The sentinels themselves, as servers to connect to.
    func sentinels(_ endpoints: [Endpoint]) -> RedisAddress {
        var sentinels = RedisAddress(endpoints, .server)
        sentinels.password = sentinelPassword
        return sentinels
    }
}

extension RedisAddress: CustomStringConvertible {
    /// For logs: without the credentials.
    package var description: String {
        let places = endpoints.map(\.description).joined(separator: ",")
        switch (topology, endpoints[0]) {
        case (.sentinel(let master), _): return "redis+sentinel://\(places)/\(master)/\(database)"
        case (.cluster, _): return "redis+cluster://\(places)"
        case (.server, .tcp): return "redis://\(places)/\(database)"
        case (.server, .unix): return "unix://\(places)?db=\(database)"
        }
    }
}

extension RedisAddress.Endpoint: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .unix(let path): path
        }
    }
}
