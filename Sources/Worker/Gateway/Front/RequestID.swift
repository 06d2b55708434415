/// Names for requests whose client, and no edge before us, has given none: unique, cheap, and sortable within a worker.
struct RequestIDs {
    private let prefix: String
    private var count: UInt64 = 0

    /// `seed` tells workers apart; it is drawn at random when the worker starts.
    init(seed: UInt64) {
        prefix = Self.hexadecimal(seed)
    }

    mutating func next() -> String {
        count += 1
        return prefix + Self.hexadecimal(count)
    }

    /// Keeps the client's own id when it is harmless in headers, logs and JSON.
    static func sane(_ value: ArraySlice<UInt8>) -> String? {
        guard (1...128).contains(value.count) else { return nil }
        for byte in value {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                continue
            default: return nil
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        unsafe String(unsafeUninitializedCapacity: 16) { buffer in
            for place in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: value >> UInt64(60 - place * 4)) & 15
                unsafe buffer[place] = digit < 10 ? 48 + digit : 87 + digit
            }
            return 16
        }
    }
}
