package import Core

/// Writing a response head: a status line, header fields, `appendHeadEnd()`. Values are sanitised where they are
/// written, so no caller can be talked into splitting a response.
extension ByteBuffer {
    /// The interim answer to `Expect: 100-continue`, complete.
    package mutating func appendContinue() {
        append("HTTP/1.1 100 Continue\r\n\r\n" as StaticString)
    }

    package mutating func appendStatusLine(_ status: Int) {
        if status == 200 { return append("HTTP/1.1 200 OK\r\n" as StaticString) }
        // Three digits whatever the number: a status is data from an upstream at times.
        let status = 100...999 ~= status ? status : 500
        append("HTTP/1.1 " as StaticString)
        append(String(status))
        append(UInt8(ascii: " "))
        append(HTTPStatus.reason(status))
        append("\r\n" as StaticString)
    }

    /// A field known when the code was written, such as `Cache-Control: no-cache`, without its line end.
    package mutating func appendHeaderLine(_ line: StaticString) {
        append(line)
        append("\r\n" as StaticString)
    }

    package mutating func appendHeader(_ name: StaticString, _ value: ArraySlice<UInt8>) {
        append(name)
        unsafe value.withUnsafeBytes { unsafe appendFieldValue($0) }
    }

    package mutating func appendHeader(_ name: StaticString, _ value: String) {
        append(name)
        appendFieldValue(value)
    }

    package mutating func appendHeader(_ name: StaticString, decimal value: Int) {
        append(name)
        append(": " as StaticString)
        append(String(value))
        append("\r\n" as StaticString)
    }

    /// A field whose name is not ours either; one that is no valid name is left out.
    package mutating func appendHeader(_ header: HTTPHeader) {
        guard !header.name.isEmpty, header.name.utf8.allSatisfy(\.isToken) else { return }
        append(header.name)
        appendFieldValue(header.value)
    }

    package mutating func appendContentLength(_ length: Int) {
        appendHeader("Content-Length", decimal: length)
    }

    package mutating func appendChunkedCoding() {
        append("Transfer-Encoding: chunked\r\n" as StaticString)
    }

    package mutating func appendHeadEnd() {
        append("\r\n" as StaticString)
    }

    private mutating func appendFieldValue(_ value: String) {
        var value = value
        value.withUTF8 { unsafe appendFieldValue(UnsafeRawBufferPointer($0)) }
    }

    /// Writes the colon, the value and the line end. Controls become spaces: a value never ends its line.
    private mutating func appendFieldValue(_ value: UnsafeRawBufferPointer) {
        append(": " as StaticString)
        let bytes = unsafe value.bindMemory(to: UInt8.self).span
        if bytes.holdsControl(in: 0..<bytes.count) {
            for place in 0..<bytes.count {
                let byte = bytes[place]
                append((byte < 0x20 && byte != .tab) || byte == 0x7F ? .space : byte)
            }
        } else {
            unsafe append(value)
        }
        append("\r\n" as StaticString)
    }
}
