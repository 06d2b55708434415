internal import Core

/// The head of a response: its status and its header lines as they came, in one block of bytes that is searched on
/// demand.
///
/// When the request asked for `Accept-Encoding: gzip`, the body arrives decoded, while the fields still describe what was
/// on the wire.
package struct UpstreamHead: Sendable {
    package internal(set) var status = 0
    /// Lines of `name: value`, each closed by CR LF.
    package internal(set) var lines: [UInt8] = []

    package init() {}

    /// For tests of those who take heads.
    package init(status: Int, headers: [(name: String, value: String)]) {
        self.status = status
        for (name, value) in headers { lines += Array("\(name): \(value)\r\n".utf8) }
    }

    /// The value of the first field called `name`, which must be lower case.
    package func first(_ name: StaticString) -> ArraySlice<UInt8>? {
        for field in fields where field.name.equalsIgnoringCase(name) { return field.value }
        return nil
    }

    /// The same as text.
    package func firstText(_ name: StaticString) -> String? {
        first(name).map { String(decoding: $0, as: UTF8.self) }
    }

    package var fields: Fields { Fields(lines: lines[...]) }

    /// The fields in the order they came.
    package struct Fields: Sequence, IteratorProtocol, Sendable {
        var lines: ArraySlice<UInt8>

        package mutating func next() -> (name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)? {
            while let end = lines.firstIndex(of: 10) {
                let line = lines[..<end]
                lines = lines[(end + 1)...]
                guard let colon = line.firstIndex(of: 58) else { continue }
                return (line[..<colon].trimmed, line[(colon + 1)...].trimmed)
            }
            return nil
        }
    }
}

extension ArraySlice<UInt8> {
    /// Without the blanks and line ends around it.
    fileprivate var trimmed: ArraySlice<UInt8> {
        var slice = self
        while let byte = slice.first, byte.isBlank { slice.removeFirst() }
        while let byte = slice.last, byte.isBlank { slice.removeLast() }
        return slice
    }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == 32 || self == 9 || self == 13 }
}
