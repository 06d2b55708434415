internal import Redis

/// How limits stand in the hash of a key's record.
extension KeyLimits {
    /// Reads them. What cannot be read is a limit that nothing passes: better to refuse than to let somebody spend freely.
    init(fields: [String: String]) {
        self.init(
            requestsPerMinute: fields["rpm"].map { Int($0) ?? 0 },
            tokensPerMinute: fields["tpm"].map { Int($0) ?? 0 },
            concurrentStreams: fields["concurrent"].map { Int($0) ?? 0 },
            budgets: fields["budgets"]?.split(separator: ",").map { Budget(text: $0) } ?? []
        )
    }

    /// The fields of what is limited, as names and values.
    var fields: [RedisArgument] {
        var fields: [RedisArgument] = []
        let numbers: [(RedisArgument, Int?)] = [
            ("rpm", requestsPerMinute), ("tpm", tokensPerMinute), ("concurrent", concurrentStreams),
        ]
        for (name, number) in numbers {
            if let number { fields += [name, .integer(number)] }
        }
        if !budgets.isEmpty { fields += ["budgets", .text(budgets.map(\.text).joined(separator: ","))] }
        return fields
    }
}

extension Budget {
    fileprivate init(text: Substring) {
        let words = text.split(separator: ":", omittingEmptySubsequences: false)
        guard words.count == 3, let unit = Unit(rawValue: String(words[0])), let amount = Int(words[1]),
            let window = Window(rawValue: String(words[2]))
        else {
            self.init(amount: 0, unit: .money, window: .total)
            return
        }
        self.init(amount: amount, unit: unit, window: window)
    }

    fileprivate var text: String { "\(unit.rawValue):\(amount):\(window.rawValue)" }
}
