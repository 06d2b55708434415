/// What Redis answered, as plain values.
package enum RedisReply: Sendable, Equatable {
    case null
    case integer(Int)
    case bulk([UInt8])
    case status(String)
    /// At the top level errors are thrown; inside an array they stay where they are.
    case error(String)
    case array([RedisReply])
}

extension RedisReply {
    package var isNull: Bool { self == .null }

    /// The content of a string, or a number's digits; invalid UTF-8 is replaced.
    package var text: String? {
        switch self {
        case .bulk(let bytes): String(decoding: bytes, as: UTF8.self)
        case .status(let text): text
        case .integer(let number): String(number)
        case .null, .error, .array: nil
        }
    }

    /// A number, also one that came as text, as members of hashes do.
    package var int: Int? {
        switch self {
        case .integer(let number): number
        case .bulk, .status: text.flatMap { Int($0) }
        case .null, .error, .array: nil
        }
    }

    package var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes): bytes
        case .status(let text): Array(text.utf8)
        case .null, .integer, .error, .array: nil
        }
    }

    /// The members of an array; empty for everything else.
    package var elements: [RedisReply] {
        if case .array(let elements) = self { elements } else { [] }
    }

    /// Names and values as `HGETALL` lists them; pairs that are not text are left out.
    package var fields: [String: String] {
        let elements = elements
        var fields: [String: String] = [:]
        fields.reserveCapacity(elements.count / 2)
        for place in stride(from: 0, to: elements.count - 1, by: 2) {
            guard let name = elements[place].text, let value = elements[place + 1].text else { continue }
            fields[name] = value
        }
        return fields
    }
}
