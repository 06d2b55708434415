import HTTPCodec

/// The names and values of a query, or of a form, decoded.
struct MirrorQuery {
    let pairs: [(name: String, value: String)]

    private static let most = 256

    /// Nothing where it cannot be read in one way only.
    init?(_ bytes: some Collection<UInt8>) {
        var pairs: [(name: String, value: String)] = []
        for part in Array(bytes).split(separator: UInt8(ascii: "&")) {
            guard pairs.count < Self.most else { return nil }
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = Self.decoded(part[..<equals]), let value = Self.decoded(part[equals...].dropFirst()) else {
                return nil
            }
            pairs.append((name, value))
        }
        self.pairs = pairs
    }

    /// The first value of that name.
    subscript(_ name: String) -> String? { pairs.first { $0.name == name }?.value }

    private static func decoded(_ bytes: ArraySlice<UInt8>) -> String? {
        let spaced = bytes.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
        return spaced.percentDecoded().flatMap { String(validating: $0, as: UTF8.self) }
    }
}
