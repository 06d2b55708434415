/// The sums of one id as Redis has them: an array of whole numbers in MessagePack, which scripts read and write several
/// times as fast as text.
extension UsageSums {
    /// An array of 13, in the order of `order`.
    var packed: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(48)
        bytes.append(0x90 | 13)
        Self.append(requests, to: &bytes)
        Self.append(errors, to: &bytes)
        Self.append(streams, to: &bytes)
        Self.append(prompt, to: &bytes)
        Self.append(cached, to: &bytes)
        Self.append(cacheWrite, to: &bytes)
        Self.append(completion, to: &bytes)
        Self.append(reasoning, to: &bytes)
        Self.append(cost, to: &bytes)
        Self.append(unpriced, to: &bytes)
        Self.append(estimated, to: &bytes)
        Self.append(milliseconds, to: &bytes)
        Self.append(upstreamCalls, to: &bytes)
        return bytes
    }

    /// Reads what a script has written. Numbers of later versions are passed over, missing ones are 0.
    init?(packed: [UInt8]) {
        var rest = packed[...]
        guard let head = rest.popFirst() else { return nil }
        let count: Int
        if head & 0xF0 == 0x90 {
            count = Int(head & 0x0F)
        } else if head == 0xDC, let length = Self.take(2, &rest) {
            count = Int(length)
        } else {
            return nil
        }
        self.init()
        for path in Self.order.prefix(count) {
            guard let number = Self.number(&rest) else { return nil }
            self[keyPath: path] = number
        }
    }

    static var order: [WritableKeyPath<UsageSums, Int>] {
        [
            \.requests, \.errors, \.streams, \.prompt, \.cached, \.cacheWrite, \.completion, \.reasoning, \.cost,
            \.unpriced, \.estimated, \.milliseconds, \.upstreamCalls,
        ]
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        switch number {
        case 0..<0x80: bytes.append(UInt8(number))
        case 0x80..<0x1_0000:
            bytes.append(0xCD)
            bytes.append(UInt8(number >> 8))
            bytes.append(UInt8(number & 0xFF))
        default:
            bytes.append(0xD3)
            for place in stride(from: 56, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: number >> place))
            }
        }
    }

    private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
        guard let kind = rest.popFirst() else { return nil }
        switch kind {
        case 0..<0x80: return Int(kind)
        case 0xE0...: return Int(Int8(bitPattern: kind))
        case 0xCC: return take(1, &rest).map { Int($0) }
        case 0xCD: return take(2, &rest).map { Int($0) }
        case 0xCE: return take(4, &rest).map { Int($0) }
        case 0xCF: return take(8, &rest).map { Int(clamping: $0) }
        case 0xD0: return take(1, &rest).map { Int(Int8(truncatingIfNeeded: $0)) }
        case 0xD1: return take(2, &rest).map { Int(Int16(truncatingIfNeeded: $0)) }
        case 0xD2: return take(4, &rest).map { Int(Int32(truncatingIfNeeded: $0)) }
        case 0xD3: return take(8, &rest).map { Int(bitPattern: UInt($0)) }
        default: return nil
        }
    }

    private static func take(_ count: Int, _ rest: inout ArraySlice<UInt8>) -> UInt64? {
        guard rest.count >= count else { return nil }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
