internal import CSimdjson

extension JSONValue {
    /// The number, if it is written without fraction and exponent and fits. `1.0` and `1e3` are not integers here:
    /// relaying leaves them as they are, and reading them as one is the caller's choice.
    package var int: Int? {
        let node = node
        guard node.is_integer else { return nil }
        var digits = text.source[node.range]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        var value = 0
        for digit in digits {
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            // Counted below zero, where there is room for one value more.
            let (next, tooLow) = shifted.subtractingReportingOverflow(Int(digit & 15))
            guard !tooLarge, !tooLow else { return nil }
            value = next
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// The nearest double of a number; nil where it is beyond the range of doubles.
    package var double: Double? {
        let node = node
        guard node.kind == CSIMDJSON_NUMBER else { return nil }
        var value = 0.0
        let isRead = unsafe text.source[node.range].withUnsafeBufferPointer { digits in
            // A number has at least one digit, so the address is there.
            unsafe digits.baseAddress.map { unsafe csimdjson_read_double($0, digits.count, &value) } ?? false
        }
        if isRead { return value }
        // Too large, or so small that it rounds to zero or to a denormal: rare enough for the slow way.
        guard let slow = Double(String(decoding: text.source[node.range], as: UTF8.self)), slow.isFinite else {
            return nil
        }
        return slow
    }
}
