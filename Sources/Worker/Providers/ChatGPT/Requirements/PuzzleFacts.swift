internal import Core
internal import JSON

/// The array of facts that an answer to the puzzle is made of. Only two of its entries change while one looks for the
/// answer; the others are the operator's, and say nothing about a browser unless the operator does.
package struct PuzzleFacts: Sendable {
    private static let counterPlace = 3
    private static let halfPlace = 9

    /// What stands before the counter, between it and its half, and after that, as JSON.
    private let head: [UInt8]
    private let middle: [UInt8]
    private let tail: [UInt8]

    /// A JSON array; nil if it is none or has not the places that are needed.
    package init?(_ text: String) {
        guard let root = (try? JSONDocument(parsing: Array(text.utf8)))?.root, root.isArray,
            root.count > Self.halfPlace
        else { return nil }
        var parts: [[UInt8]] = [[]]
        for (place, entry) in root.elements.enumerated() {
            parts[parts.count - 1].append(UInt8(ascii: place == 0 ? "[" : ","))
            if place == Self.counterPlace || place == Self.halfPlace {
                parts.append([])
            } else {
                parts[parts.count - 1] += Self.compact(entry.raw)
            }
        }
        guard parts.count == 3 else { return nil }
        (head, middle, tail) = (parts[0], parts[1], parts[2] + [UInt8(ascii: "]")])
    }

    /// Neutral values, and who we say that we are.
    package init(userAgent: String) {
        var writer = JSONWriter()
        writer.string(userAgent)
        head = Array(#"[0,"Thu Jan 01 1970 00:00:00 GMT+0000 (UTC)",0,"#.utf8)
        middle = Array(",".utf8) + writer.take() + Array(#","","","en-US","en-US","#.utf8)
        tail = Array(#","","","",0,"00000000-0000-4000-8000-000000000000","",0,0]"#.utf8)
    }

    /// The candidate of one attempt.
    func candidate(_ attempt: Int) -> [UInt8] {
        var text = ByteBuffer()
        text.reserve(head.count + middle.count + tail.count + 14)
        text.append(copying: head[...])
        text.append(decimal: attempt)
        text.append(copying: middle[...])
        text.append(decimal: attempt >> 1)
        text.append(copying: tail[...])
        return Base64.standard.encodeBytes(text.take())
    }

    /// Without the white space that may stand between the parts of a value.
    private static func compact(_ json: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isInString = false
        var isEscaped = false
        for byte in json {
            if isInString {
                result.append(byte)
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
            } else if byte > UInt8(ascii: " ") {
                result.append(byte)
                isInString = byte == UInt8(ascii: "\"")
            }
        }
        return result
    }
}
