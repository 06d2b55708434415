internal import Redis

/// What one call of the script writes, under a number. Once made it does not change, since nobody may know whether it
/// has been counted already.
struct LedgerBatch {
    static let prefix = "millrace:{ledger}:"
    static let log = "millrace:{ledger}:log"

    let number: Int
    /// The number of this worker's last batch, the log, then the hashes of each hour.
    private(set) var keys: [RedisArgument]
    private(set) var arguments: [RedisArgument]
    private(set) var records = 0
    private(set) var rows = 0
    private var hours: [LedgerHour] = []

    init(number: Int, workerKey: String, options: Ledger.Options, logLength: Int, records: Int) {
        self.number = number
        keys = [.text(workerKey), .literal("millrace:{ledger}:log")]
        keys.reserveCapacity(2 + LedgerDimension.allCases.count)
        arguments = [
            .integer(number), .integer(number), .integer(Int(options.numberRetention.components.seconds)),
            .integer(Int(options.retention.components.seconds)), .integer(logLength),
            .integer(options.keyLimit), .integer(options.modelLimit), .integer(options.providerLimit),
            .integer(options.accountLimit),
        ]
        arguments.reserveCapacity(arguments.count + records * 7)
    }

    /// Says from which number on answers are missing; for each sending anew.
    mutating func setOldest(_ number: Int) {
        arguments[1] = .integer(number)
    }

    mutating func add(_ entry: LedgerEntry, _ names: inout LedgerHourNames) {
        begin(LedgerHour(containing: entry.time), &names)
        arguments.append(.text(entry.id(in: .key)))
        arguments.append(.text(entry.id(in: .model)))
        arguments.append(.text(entry.id(in: .provider)))
        arguments.append(.text(entry.id(in: .account)))
        arguments.append(.bytes(UsageSums(entry).packed))
        arguments.append(.bytes(entry.row))
        rows += 1
    }

    /// Adds sums without a row, to one dimension.
    mutating func add(_ series: LedgerTally.Series, _ sums: UsageSums, _ names: inout LedgerHourNames) {
        begin(series.hour, &names)
        for dimension in LedgerDimension.allCases {
            arguments.append(dimension == series.dimension ? .text(series.id) : "")
        }
        arguments.append(.bytes(sums.packed))
        arguments.append("")
    }

    private mutating func begin(_ hour: LedgerHour, _ names: inout LedgerHourNames) {
        records += 1
        if let place = hours.lastIndex(of: hour) {
            arguments.append(.integer(place))
        } else {
            arguments.append(.integer(hours.count))
            hours.append(hour)
            keys += names.keys(of: hour)
        }
    }
}

/// The keys of an hour's hashes. Nearly all requests fall into the hour of the one before.
struct LedgerHourNames {
    private var latest: (hour: LedgerHour, keys: [RedisArgument])?

    mutating func keys(of hour: LedgerHour) -> [RedisArgument] {
        if let latest, latest.hour == hour { return latest.keys }
        let keys = LedgerDimension.allCases.map { RedisArgument.text(Self.key($0, hour)) }
        latest = (hour, keys)
        return keys
    }

    static func key(_ dimension: LedgerDimension, _ hour: LedgerHour) -> String {
        "\(LedgerBatch.prefix)\(dimension.rawValue):\(hour.name)"
    }
}
