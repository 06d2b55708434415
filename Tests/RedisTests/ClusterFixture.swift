import Core
import EventLoop
import Redis
import TestSupport
import Testing

/// A real cluster on the loopback: so many masters that share the slots evenly, and replicas of the first.
@LoopActor final class ClusterFixture {
    let servers: [RedisServer]
    /// A plain client for each server, to arrange things behind the back of the client under test.
    private(set) var admins: [RedisClient] = []
    let masters: Int

    init(masters: Int = 3, replicas: Int = 0, appendOnly: Bool = false) async throws {
        self.masters = masters
        servers = try (0..<(masters + replicas)).map { _ in
            let bus = RedisServer.freePort()
            return try RedisServer(
                appendOnly: appendOnly,
                arguments: [
                    "--cluster-enabled", "yes", "--cluster-node-timeout", "500", "--cluster-port", "\(bus)",
                    "--repl-diskless-sync-delay", "0",
                ]
            )
        }
        for server in servers { admins.append(try await connectedClient(server.tcpURL)) }
        try await join()
        for replica in servers.indices.dropFirst(masters) { try await follow(replica, master: 0) }
    }

    var url: String {
        "redis+cluster://" + servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    }

    func stop() {
        for admin in admins { admin.close() }
        for server in servers { server.stop() }
    }

    /// The name a node has in its cluster.
    func id(_ place: Int) async throws -> String {
        try #require(try await admins[place].command(["CLUSTER", "MYID"]).text)
    }

    /// What a node has counted of one kind of error reply.
    func errors(_ kind: String, at place: Int) async throws -> Int {
        let text = try await admins[place].command(["INFO", "errorstats"]).text ?? ""
        for line in text.split(whereSeparator: \.isNewline) where line.hasPrefix("errorstat_\(kind):count=") {
            return Int(line.drop { $0 != "=" }.dropFirst()) ?? 0
        }
        return 0
    }

    func isWell(_ admin: RedisClient) async -> Bool {
        let text = (try? await admin.command(["CLUSTER", "INFO"]).text) ?? ""
        return text.contains("cluster_state:ok") && text.contains("cluster_known_nodes:\(servers.count)")
    }

    private func join() async throws {
        for place in admins.indices {
            _ = try await admins[place].command(["CLUSTER", "SET-CONFIG-EPOCH", .integer(place + 1)])
            guard place < masters else { continue }
            let first = 16_384 * place / masters
            let last = 16_384 * (place + 1) / masters - 1
            _ = try await admins[place].command(["CLUSTER", "ADDSLOTSRANGE", .integer(first), .integer(last)])
        }
        for server in servers.dropFirst() {
            let text = try await admin(of: server).command(["CONFIG", "GET", "cluster-port"]).elements.last?.text
            let bus = try #require(text)
            _ = try await admins[0].command(
                ["CLUSTER", "MEET", "127.0.0.1", .integer(Int(server.port)), .text(bus)]
            )
        }
        for admin in admins {
            await eventually(within: .seconds(20), "the nodes find each other") { await isWell(admin) }
        }
    }

    private func follow(_ replica: Int, master: Int) async throws {
        let master = try await id(master)
        await eventually("the node accepts its master") {
            (try? await admins[replica].command(["CLUSTER", "REPLICATE", .text(master)])) != nil
        }
        await eventually("the replica has the data") {
            let text = try? await admins[replica].command(["INFO", "replication"]).text
            return text?.contains("master_link_status:up") == true
        }
    }

    private func admin(of server: RedisServer) throws -> RedisClient {
        admins[try #require(servers.firstIndex { $0 === server })]
    }
}

/// How long it takes until a command succeeds, in milliseconds; each try has a deadline of 50 ms.
@LoopActor func timeToServe(_ client: RedisClient, _ command: [RedisArgument]) async -> Double {
    let start = LoopClock.now
    await eventually(within: .seconds(20), "redis serves again") {
        (try? await client.command(command, timeout: .milliseconds(50))) != nil
    }
    return LoopClock.now.milliseconds(since: start)
}
