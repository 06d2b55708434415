internal import CSimdjson
package import Core
internal import Glibc

extension JSONValue {
    /// The decoded string. A surrogate without its other half becomes U+FFFD.
    package var string: String? {
        let node = node
        guard node.kind == CSIMDJSON_STRING else { return nil }
        guard node.is_escaped else { return String(decoding: text.source[node.contents], as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(node.contents.count)
        JSONUnescaper.unescape(text.source[node.contents]) { decoded.append(contentsOf: $0) }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// Whether the value is a string and reads so, compared without decoding it.
    package func equals(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { unsafe equals(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the value is a string and reads so.
    package func equals(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { unsafe equals(UnsafeRawBufferPointer($0)) }
    }

    /// Whether the value is `""`.
    package var isEmptyString: Bool { equals("" as StaticString) }

    /// Appends the decoded UTF-8 of a string; appends nothing where the value is none.
    package func appendString(to buffer: inout ByteBuffer) {
        let node = node
        guard node.kind == CSIMDJSON_STRING else { return }
        let contents = text.source[node.contents]
        guard node.is_escaped else {
            buffer.append(contents)
            return
        }
        JSONUnescaper.unescape(contents) { buffer.append($0) }
    }

    private func equals(_ wanted: UnsafeRawBufferPointer) -> Bool {
        let node = node
        return unsafe node.kind == CSIMDJSON_STRING && text.string(node, equals: wanted)
    }
}

extension JSONText {
    /// Whether the string at `node` reads `wanted`.
    func string(_ node: JSONNode, equals wanted: UnsafeRawBufferPointer) -> Bool {
        let contents = node.contents
        if !node.is_escaped {
            guard contents.count == wanted.count else { return false }
            guard let other = wanted.baseAddress, !contents.isEmpty else { return true }
            return unsafe source.withUnsafeBytes { all in
                unsafe memcmp(
                    UnsafeRawBufferPointer(rebasing: all[contents]).baseAddress ?? other,
                    other,
                    contents.count
                ) == 0
            }
        }
        // An escape is longer than what it stands for.
        guard contents.count > wanted.count else { return false }
        var matched = 0
        var isEqual = true
        JSONUnescaper.unescape(source[contents]) { part in
            guard isEqual, part.count <= wanted.count - matched else {
                isEqual = false
                return
            }
            for byte in part {
                isEqual = unsafe isEqual && byte == wanted[matched]
                matched += 1
            }
        }
        return isEqual && matched == wanted.count
    }
}
