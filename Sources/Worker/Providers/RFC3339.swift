/// Reads the date form of most JSON interfaces, `2025-11-24T08:49:37.123Z` or with an offset in place of the `Z`.
package enum RFC3339 {
    /// Whole seconds since 1970, or nil when the text is no such date.
    package static func seconds(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, bytes[10] | 32 == 116, bytes[13] == 58,
            bytes[16] == 58,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]), let day = number(bytes[8..<10]),
            let hour = number(bytes[11..<13]), let minute = number(bytes[14..<16]),
            let second = number(bytes[17..<19]), let offset = offset(bytes[19...]),
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        return HTTPDate.days(year: year, month: month, day: day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    }

    /// Seconds east of Greenwich; a fraction before it is passed over.
    private static func offset(_ text: ArraySlice<UInt8>) -> Int? {
        var rest = text
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst().drop { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        }
        guard let sign = rest.popFirst() else { return nil }
        if sign | 32 == UInt8(ascii: "z") { return rest.isEmpty ? 0 : nil }
        let digits = Array(rest)
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), digits.count == 5, digits[2] == 58,
            let hours = number(digits[0..<2]), let minutes = number(digits[3..<5]), hours < 24, minutes < 60
        else { return nil }
        return (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
    }

    /// Decimal digits only, few enough not to overflow.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        var value = 0
        for digit in digits {
            guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { return nil }
            value = value * 10 + Int(digit & 15)
        }
        return value
    }
}
