/// Who serves which slots, as one node of a cluster sees it.
struct ClusterMap: Equatable {
    struct Span: Equatable {
        let slots: ClosedRange<Int>
        let master: RedisAddress.Endpoint
    }

    private(set) var spans: [Span] = []
    /// Masters and replicas.
    private(set) var members: Set<RedisAddress.Endpoint> = []

    /// From the answer to `CLUSTER SLOTS`; nothing when it names no slots. Where a node does not know its own address,
    /// `source` is meant, the one that was asked.
    init?(slots reply: RedisReply, from source: RedisAddress.Endpoint) {
        for entry in reply.elements {
            let parts = entry.elements
            guard parts.count >= 3, let first = parts[0].int, let last = parts[1].int,
                first >= 0, first <= last, last < HashSlot.count
            else { continue }
            for (place, node) in parts[2...].enumerated() {
                guard let endpoint = Self.endpoint(node.elements, source) else { continue }
                members.insert(endpoint)
                if place == 0 { spans.append(Span(slots: first...last, master: endpoint)) }
            }
        }
        if spans.isEmpty { return nil }
    }

    private static func endpoint(
        _ node: [RedisReply],
        _ source: RedisAddress.Endpoint
    ) -> RedisAddress.Endpoint? {
        guard node.count >= 2, let port = node[1].int.flatMap({ UInt16(exactly: $0) }), port > 0 else { return nil }
        return source.neighbour(node[0].text ?? "", port)
    }
}

/// "This slot is served elsewhere": `MOVED 3999 127.0.0.1:6381` for good, `ASK …` for the one command.
struct ClusterRedirection: Equatable {
    let slot: Int
    let endpoint: RedisAddress.Endpoint

    /// `source` is the node that said so.
    init?(_ message: String, from source: RedisAddress.Endpoint) {
        let words = message.split(separator: " ")
        guard words.count == 3, let slot = Int(words[1]), (0..<HashSlot.count).contains(slot),
            let colon = words[2].lastIndex(of: ":"), let port = UInt16(words[2][words[2].index(after: colon)...]),
            port > 0
        else { return nil }
        self.slot = slot
        endpoint = source.neighbour(String(words[2][..<colon]), port)
    }
}

extension RedisAddress.Endpoint {
    /// The node at `host`; one that knows no name for it means its own machine.
    fileprivate func neighbour(_ host: String, _ port: UInt16) -> RedisAddress.Endpoint {
        if !host.isEmpty, host != "?" { return .tcp(host: host, port: port) }
        if case .tcp(let own, _) = self { return .tcp(host: own, port: port) }
        return .tcp(host: "127.0.0.1", port: port)
    }
}
