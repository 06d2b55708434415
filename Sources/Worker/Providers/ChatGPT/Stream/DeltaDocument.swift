internal import JSON

/// The document that the "v1" encoding builds, change by change: the message that was added last, for nobody ever changes
/// an earlier one.
struct DeltaDocument: Sendable {
    /// As much text as one message may hold here.
    private static let largest = 8 << 20
    private static let deepestPath = 16
    private static let usualPath = ["message", "content", "parts", "0"]

    private(set) var root = JSONTree.null
    /// The document grew beyond all bounds, and is not followed any more.
    private(set) var isTooLarge = false
    /// Changes that nobody understood.
    private(set) var strangeCount = 0

    private var path: [String] = []
    private var operation = "add"
    /// Where text was appended last: where text without a place belongs.
    private var textPath = usualPath
    private var size = 0
    /// The first half of a character whose other half comes with the next piece, as it is written in JSON.
    private var half: [UInt8] = []

    /// Takes one change in. What it does not say is as in the change before.
    mutating func apply(_ delta: JSONValue) {
        let value = delta["v"]
        if let value, value.isObject, value["message"] != nil {
            (path, operation) = ([], "add")
            return install(value)
        }
        let saysWhat = delta["o"]?.string
        let saysWhere = delta["p"]?.string
        if let saysWhat { operation = saysWhat }
        if let saysWhere { path = Self.segments(saysWhere) }
        if saysWhat == nil, let value, value.isArray, value.count > 0, value.elements.allSatisfy(Self.isChange),
            operation != "append" || value[0]?["o"] != nil
        {
            return applyAll(value)
        }
        // A text of its own after a change that no text can follow: it goes on where the last one ended.
        if let value, value.isString, saysWhat == nil, saysWhere == nil, operation == "patch" || path.isEmpty {
            return change(textPath, "append", value)
        }
        guard operation == "patch" else { return change(path, operation, value) }
        guard let value else { return }
        if value.isArray { return applyAll(value) }
        // Several changes at once that are none.
        if value.isString { change(path, "append", value) } else { strangeCount += 1 }
    }

    private static func isChange(_ value: JSONValue) -> Bool { value["p"] != nil && value["v"] != nil }

    private mutating func applyAll(_ changes: JSONValue) {
        (path, operation) = ([], "patch")
        for entry in changes.elements {
            change(
                entry["p"]?.string.map(Self.segments) ?? [],
                entry["o"]?.string ?? (entry["v"]?.isString == true ? "append" : "replace"),
                entry["v"]
            )
        }
    }

    private mutating func install(_ value: JSONValue) {
        root = .null
        half = []
        textPath = Self.usualPath
        size = value.raw.count
        isTooLarge = size > Self.largest
        if !isTooLarge { root = JSONTree(value) }
    }

    private mutating func change(_ path: [String], _ operation: String, _ value: JSONValue?) {
        guard path.count <= Self.deepestPath, !isTooLarge else {
            strangeCount += 1
            return
        }
        size += value?.raw.count ?? 0
        guard size <= Self.largest else {
            isTooLarge = true
            return
        }
        // Some streams begin in the middle.
        if root == .null, path.first == "message" {
            root = .object(["message": Self.emptyMessage])
        }
        switch (operation, value) {
        case ("append", let value?):
            let tree = value.isString ? JSONTree.string(whole(value)) : JSONTree(value)
            if value.isString { textPath = path }
            root.change(at: path[...]) { $0.append(tree) }
        case ("replace", let value?): root.change(at: path[...]) { $0 = JSONTree(value) }
        case ("add", let value?): root.add(JSONTree(value), at: path[...])
        case ("remove", _): root.remove(at: path[...])
        case ("truncate", let value?): root.change(at: path[...]) { $0.truncate(to: value.int ?? .max) }
        default: strangeCount += 1
        }
    }

    /// The piece's text. A character may be cut in two where its escape has two halves.
    private mutating func whole(_ value: JSONValue) -> String {
        let raw = value.raw
        guard !half.isEmpty || Self.endsInHalf(raw) else { return value.string ?? "" }
        var text = half + raw.dropFirst().dropLast()
        half = []
        if Self.endsInHalf(raw) {
            half = Array(text.suffix(6))
            text.removeLast(6)
        }
        let quote = [UInt8(ascii: "\"")]
        return (try? JSONDocument(parsing: quote + text + quote))?.root.string ?? value.string ?? ""
    }

    /// Whether the last thing in the text is an escape from D800 to DBFF.
    private static func endsInHalf(_ raw: ArraySlice<UInt8>) -> Bool {
        let escape = Array(raw.dropLast().suffix(6))
        guard escape.count == 6, escape[0] == UInt8(ascii: "\\"), escape[1] == UInt8(ascii: "u"),
            escape[2] | 32 == UInt8(ascii: "d"), [0x38, 0x39, 0x61, 0x62].contains(escape[3] | 32),
            // The backslash may itself be escaped.
            raw.dropLast(7).reversed().prefix(while: { $0 == UInt8(ascii: "\\") }).count.isMultiple(of: 2)
        else { return false }
        return true
    }

    private static func segments(_ pointer: String) -> [String] {
        guard pointer.utf8.count <= 1024 else { return Array(repeating: "", count: deepestPath + 1) }
        return pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { segment in
            guard segment.contains("~") else { return String(segment) }
            var result = ""
            var isEscaped = false
            for character in segment {
                if isEscaped {
                    result.append(character == "1" ? "/" : character == "0" ? "~" : character)
                    isEscaped = false
                } else if character == "~" {
                    isEscaped = true
                } else {
                    result.append(character)
                }
            }
            return result
        }
    }

    private static let emptyMessage = JSONTree.object([
        "author": .object(["role": .string("assistant")]),
        "content": .object(["content_type": .string("text"), "parts": .array([.string("")])]),
        "status": .string("in_progress"), "recipient": .string("all"),
    ])
}
