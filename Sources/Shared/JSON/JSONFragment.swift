internal import Core

/// A value that is written as it stands, without being looked at.
package enum JSONFragment: Sendable {
    case bytes([UInt8])
    case slice(ArraySlice<UInt8>)
    case literal(StaticString)

    package static let `true` = JSONFragment.literal("true")
    package static let `false` = JSONFragment.literal("false")
    package static let null = JSONFragment.literal("null")

    package static func string(_ text: String) -> JSONFragment {
        var writer = JSONWriter()
        writer.string(text)
        return .bytes(writer.take())
    }

    package static func integer(_ number: Int) -> JSONFragment {
        var writer = JSONWriter()
        writer.integer(number)
        return .bytes(writer.take())
    }

    var count: Int {
        switch self {
        case .bytes(let bytes): bytes.count
        case .slice(let bytes): bytes.count
        case .literal(let text): text.utf8CodeUnitCount
        }
    }
}

extension ByteBuffer {
    mutating func append(_ fragment: JSONFragment) {
        switch fragment {
        case .bytes(let bytes): append(bytes)
        case .slice(let bytes): append(bytes)
        case .literal(let text): append(text)
        }
    }
}
