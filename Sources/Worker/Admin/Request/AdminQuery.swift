import Core
import HTTPCodec

/// The parameters behind the question mark: known ones, each once.
struct AdminQuery: Sendable {
    private var values: [String: String] = [:]

    init(_ query: ArraySlice<UInt8>, allowing names: [String]) throws(GatewayError) {
        for pair in query.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : []) else {
                throw .invalid(nil, "The query cannot be read.")
            }
            guard names.contains(name) else {
                throw .invalid(
                    String(name.prefix(64)),
                    "There is no such parameter here. Known are: \(names.joined(separator: ", ")).",
                    code: .unsupportedParameter
                )
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw .invalid(name, "'\(name)' is given twice.")
            }
        }
    }

    func text(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(GatewayError) -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid(name, "'\(name)' must be a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// How many rows a page may have.
    func limit(usual: Int = 100, most: Int = 1000) throws(GatewayError) -> Int {
        try integer("limit", in: 1...most) ?? usual
    }

    /// A plus is a space here, as forms have it.
    private static func decoded(_ part: ArraySlice<UInt8>) -> String? {
        part.map { $0 == UInt8(ascii: "+") ? 0x20 : $0 }.percentDecoded().flatMap {
            String(validating: $0, as: UTF8.self)
        }
    }
}
