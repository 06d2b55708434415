internal import Redis

/// Request counts in memory, by hour and series, bounded in both.
struct RequestTally {
    struct Series: Hashable {
        var provider: String
        var model: String
        var statusClass: Int
    }

    /// What is sent at once: the counts of one hour, under a number that no other batch of this worker has.
    struct Batch {
        let number: Int
        let hour: Int
        let amounts: [Series: Int]
    }

    private let seriesLimit: Int
    private let hourLimit: Int
    /// Hours since 1970. The series of the latest hour stay, with zero, after they were taken, so that the limit holds
    /// for the whole hour.
    private var hours: [Int: [Series: Int]] = [:]
    private var latestHour = 0
    private var batches = 0

    init(seriesLimit: Int, hourLimit: Int) {
        self.seriesLimit = seriesLimit
        self.hourLimit = hourLimit
    }

    mutating func add(provider: String, model: String, status: Int, at seconds: Int) {
        let hour = seconds / 3600
        if hour > latestHour {
            // Whatever the past hour had was either taken or is kept; its series need no place any more.
            if let past = hours.removeValue(forKey: latestHour)?.filter({ $0.value > 0 }), !past.isEmpty {
                hours[latestHour] = past
            }
            latestHour = hour
        }
        var series = Series(provider: provider, model: model, statusClass: status / 100)
        if hours[hour]?[series] == nil, (hours[hour]?.count ?? 0) >= seriesLimit { series.model = "other" }
        hours[hour, default: [:]][series, default: 0] += 1
        if hours.count > hourLimit, let oldest = hours.keys.min() { hours[oldest] = nil }
    }

    /// Takes what the oldest hour with counts has.
    mutating func takeBatch() -> Batch? {
        for hour in hours.keys.sorted() {
            guard let amounts = hours[hour]?.filter({ $0.value > 0 }), !amounts.isEmpty else { continue }
            if hour == latestHour {
                for series in amounts.keys { hours[hour]?[series] = 0 }
            } else {
                hours[hour] = nil
            }
            batches += 1
            return Batch(number: batches, hour: hour, amounts: amounts)
        }
        return nil
    }
}

extension RequestTally.Batch {
    /// Names of fields and amounts, as the script takes them: `openai|gpt-4o|2xx`.
    var fields: [RedisArgument] {
        var fields: [RedisArgument] = []
        fields.reserveCapacity(amounts.count * 2)
        for (series, amount) in amounts {
            fields.append(.text("\(Self.clean(series.provider))|\(Self.clean(series.model))|\(series.statusClass)xx"))
            fields.append(.integer(amount))
        }
        return fields
    }

    /// The hour in UTC as `yyyymmddhh`.
    var hourName: String {
        // Days counted from 1 March of the year 0, so that the leap day ends a year: see "days from civil".
        let day = hour / 24 + 719_468
        let era = day / 146_097
        let dayOfEra = day % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let number = ((year * 100 + month) * 100 + dayOfYear - (153 * shiftedMonth + 2) / 5 + 1) * 100 + hour % 24
        return String(number)
    }

    /// Clients choose names of models: no separators, nothing endless.
    private static func clean(_ name: String) -> String {
        String(name.map { $0 == "|" ? "_" : $0 }.prefix(120))
    }
}
