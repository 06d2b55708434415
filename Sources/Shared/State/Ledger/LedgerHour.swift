/// An hour in UTC, counted since 1970.
package struct LedgerHour: Sendable, Hashable, Comparable {
    package let number: Int

    package init(number: Int) { self.number = number }

    /// The hour of a moment given in seconds since 1970.
    package init(containing seconds: Int) { number = seconds >= 0 ? seconds / 3_600 : (seconds - 3_599) / 3_600 }

    package static func < (left: LedgerHour, right: LedgerHour) -> Bool { left.number < right.number }

    /// When it begins, in seconds since 1970.
    package var start: Int { number * 3_600 }

    /// `yyyymmddhh`, as keys in Redis have it.
    package var name: String {
        // Days counted from 1 March of the year 0, so that the leap day ends a year.
        let day = start / 86_400 + 719_468
        let era = day / 146_097
        let dayOfEra = day % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return String(((year * 100 + month) * 100 + dayOfMonth) * 100 + number % 24)
    }
}
