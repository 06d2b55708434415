package import Core
internal import Redis

/// The usage of one id in one period.
package struct UsageRow: Sendable, Equatable {
    package let id: String
    /// When the period begins, in seconds since 1970.
    package let start: Int
    package let sums: UsageSums
}

/// The length of time that one row of usage covers.
package enum UsagePeriod: String, Sendable, CaseIterable {
    case hour, day
    /// All that was asked for in one.
    case whole
}

/// Reading the books: for the command line and the console, not for requests.
extension Ledger {
    /// How many hours one call reads, so that Redis is not kept from others for long.
    private static let hoursPerCall = 6

    /// Usage from the first to the last hour, both included, by time and then id.
    package func usage(
        from first: LedgerHour,
        to last: LedgerHour,
        by dimension: LedgerDimension,
        ids: [String] = [],
        each period: UsagePeriod = .hour
    ) async throws(GatewayError) -> [UsageRow] {
        let limit = Int(options.retention.components.seconds) / 3_600 + 24
        guard first <= last, last.number - first.number < limit else {
            throw .invalid("from", "The time must begin before it ends and be no longer than \(limit) hours.")
        }
        var periods: [Int: [String: UsageSums]] = [:]
        var next = first.number
        while next <= last.number {
            let hours = (next...min(last.number, next + Self.hoursPerCall - 1)).map { LedgerHour(number: $0) }
            for (hour, fields) in zip(hours, try await read(hours, dimension, ids)) {
                let start = period.start(of: hour, from: first)
                for (id, sums) in fields { periods[start, default: [:]][id, default: UsageSums()] += sums }
            }
            next += Self.hoursPerCall
        }
        return periods.sorted { $0.key < $1.key }.flatMap { start, ids in
            ids.sorted { $0.key < $1.key }.map { UsageRow(id: $0.key, start: start, sums: $0.value) }
        }
    }

    private func read(
        _ hours: [LedgerHour],
        _ dimension: LedgerDimension,
        _ ids: [String]
    ) async throws(GatewayError) -> [[(id: String, sums: UsageSums)]] {
        do throws(RedisError) {
            let reply = try await redis.evaluate(
                StateScripts.readLedger,
                keys: hours.map { .text(LedgerHourNames.key(dimension, $0)) },
                arguments: ids.map { .text($0.clipped(to: LedgerID.limit)) },
                timeout: .seconds(2)
            )
            return reply.elements.map { Self.sums($0.elements) }
        } catch {
            throw .stateUnavailable(error)
        }
    }

    /// Reads ids and sums as a hash lists them.
    private static func sums(_ fields: [RedisReply]) -> [(id: String, sums: UsageSums)] {
        stride(from: 0, to: fields.count - 1, by: 2).compactMap { place in
            guard let id = fields[place].text, let sums = fields[place + 1].bytes.flatMap({ UsageSums(packed: $0) })
            else { return nil }
            return (id, sums)
        }
    }
}

extension UsagePeriod {
    fileprivate func start(of hour: LedgerHour, from first: LedgerHour) -> Int {
        switch self {
        case .hour: hour.start
        case .day: hour.start - hour.start % 86_400
        case .whole: first.start
        }
    }
}
