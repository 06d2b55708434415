internal import JSON

/// A JSON value that can be changed, piece by piece, where it stands.
///
/// What is changed is taken out of its place first, so that nobody else holds it: a text to which thousands of pieces are
/// appended is never copied for it.
enum JSONTree: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    /// Deeper values are left out: nothing that is looked at lies there.
    private static let deepest = 32
    /// Indexes beyond the end are for pushing, not for making holes.
    private static let longestArray = 100_000

    init(_ value: JSONValue) { self.init(value, depth: 0) }

    private init(_ value: JSONValue, depth: Int) {
        guard depth < Self.deepest else {
            self = .null
            return
        }
        switch value.kind {
        case .null: self = .null
        case .bool: self = .bool(value.bool ?? false)
        case .number: self = value.double.map { .number($0) } ?? .null
        case .string: self = .string(value.string ?? "")
        case .array: self = .array(value.elements.map { JSONTree($0, depth: depth + 1) })
        case .object:
            var members: [String: JSONTree] = [:]
            for (key, member) in value.members { members[key.string ?? ""] = JSONTree(member, depth: depth + 1) }
            self = .object(members)
        }
    }

    subscript(key: String) -> JSONTree? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var bool: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    var number: Double? {
        guard case .number(let number) = self else { return nil }
        return number
    }

    var int: Int? { number.flatMap { Int(exactly: $0.rounded(.towardZero)) } }

    var elements: [JSONTree] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    // MARK: Changes

    /// Changes what stands at the path, which is made where it does not lead anywhere yet. Paths that do not fit the value
    /// change nothing.
    mutating func change(at path: ArraySlice<String>, _ body: (inout JSONTree) -> Void) {
        guard let first = path.first else { return body(&self) }
        let rest = path.dropFirst()
        switch self {
        case .object(var members):
            self = .null
            var member = members.removeValue(forKey: first) ?? .null
            member.change(at: rest, body)
            members[first] = member
            self = .object(members)
        case .array(var elements):
            self = .null
            if let place = Self.place(first, in: elements) {
                if place == elements.count { elements.append(.null) }
                var element = JSONTree.null
                swap(&element, &elements[place])
                element.change(at: rest, body)
                elements[place] = element
            }
            self = .array(elements)
        case .null:
            self = Int(first) != nil ? .array([]) : .object([:])
            change(at: path, body)
        case .bool, .number, .string: return
        }
    }

    /// Puts a value there; within an array what stands there moves on.
    mutating func add(_ value: JSONTree, at path: ArraySlice<String>) {
        guard let last = path.last else {
            self = value
            return
        }
        change(at: path.dropLast()) { parent in
            if case .array(var elements) = parent, let place = Self.place(last, in: elements) {
                parent = .null
                elements.insert(value, at: place)
                parent = .array(elements)
            } else {
                parent.change(at: [last]) { $0 = value }
            }
        }
    }

    mutating func remove(at path: ArraySlice<String>) {
        guard let last = path.last else { return }
        change(at: path.dropLast()) { parent in
            switch parent {
            case .object(var members):
                parent = .null
                members[last] = nil
                parent = .object(members)
            case .array(var elements):
                parent = .null
                if let place = Int(last), elements.indices.contains(place) { elements.remove(at: place) }
                parent = .array(elements)
            default: break
            }
        }
    }

    /// Makes it longer by a value: text by text, an array by one or more elements, an object by members.
    mutating func append(_ value: JSONTree) {
        switch (self, value) {
        case (.string(var text), .string(let more)):
            self = .null
            text += more
            self = .string(text)
        case (.array(var elements), .array(let more)):
            self = .null
            elements += more.prefix(max(0, Self.longestArray - elements.count))
            self = .array(elements)
        case (.array(var elements), _):
            self = .null
            if elements.count < Self.longestArray { elements.append(value) }
            self = .array(elements)
        case (.object(var members), .object(let more)):
            self = .null
            members.merge(more) { _, new in new }
            self = .object(members)
        case (.null, _): self = value
        default: break
        }
    }

    /// Cuts a text or an array down to so many characters or elements.
    mutating func truncate(to count: Int) {
        guard count >= 0 else { return }
        switch self {
        case .string(let text): self = .string(String(text.prefix(count)))
        case .array(let elements): self = .array(Array(elements.prefix(count)))
        default: break
        }
    }

    private static func place(_ segment: String, in elements: [JSONTree]) -> Int? {
        if segment == "-" { return elements.count < longestArray ? elements.count : nil }
        guard let place = Int(segment), (0...elements.count).contains(place), place < longestArray else { return nil }
        return place
    }
}
