extension RedisError {
    /// A state of the server that makes it refuse what it would accept otherwise. The raw value is the error's prefix.
    package enum Condition: String, Sendable, CaseIterable {
        /// `maxmemory` is reached and nothing may be evicted: reads work, what needs memory does not.
        case outOfMemory = "OOM"
        /// A replica: reads work.
        case readOnly = "READONLY"
        /// The data is being read from disk or from a master.
        case loading = "LOADING"
        /// A replica that has lost its master and is told not to answer with old data.
        case masterDown = "MASTERDOWN"
        /// A script has been running for too long.
        case busy = "BUSY"
        /// The last snapshot or write to the append-only file failed: reads work.
        case cannotPersist = "MISCONF"
        /// Fewer replicas than the master insists on: reads work.
        case tooFewReplicas = "NOREPLICAS"
        case clusterDown = "CLUSTERDOWN"
        /// The keys of the command are under way between two nodes.
        case tryAgain = "TRYAGAIN"
        case moved = "MOVED"
        case ask = "ASK"

        /// Whether the server is no use for anything while this lasts, so that it counts like silence. A read-only one
        /// counts because it is the wrong server for us, who always write.
        var isUnavailability: Bool {
            switch self {
            case .readOnly, .loading, .masterDown, .busy: true
            case .outOfMemory, .cannotPersist, .tooFewReplicas, .clusterDown, .tryAgain, .moved, .ask: false
            }
        }
    }

    /// Which state of the server an error reply tells of; nothing when the command itself is at fault.
    package var condition: Condition? {
        guard let prefix else { return nil }
        if let condition = Condition(rawValue: String(prefix)) { return condition }
        // Servers before version 7 wrap what stopped a script: "ERR Error running script (…): @user_script:1: -OOM …".
        guard message.hasPrefix("ERR Error running script") else { return nil }
        for word in message.split(separator: " ") where word.hasPrefix("-") {
            if let condition = Condition(rawValue: String(word.dropFirst())) { return condition }
        }
        return nil
    }

    /// Whether to try later: the same command can succeed once the server or the network is well again. Otherwise it is
    /// the command, the credentials or the client's end, and it never will.
    package var isTemporary: Bool {
        switch code {
        case .timeout, .unavailable, .overloaded, .connectionLost: true
        case .refused: condition != nil
        case .invalidReply, .closed: false
        }
    }
}
