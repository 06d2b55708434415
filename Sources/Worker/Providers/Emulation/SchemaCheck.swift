internal import Core
internal import JSON

/// Holds a value against the part of JSON Schema that structured answers use. Keywords that it does not know are no
/// reason to refuse a value.
struct SchemaCheck {
    /// How far schemas may refer to each other, and how much is compared at all: what needs more counts as valid.
    private static let depthLimit = 64
    private static let stepLimit = 50_000

    private let root: JSONValue
    private var steps = 0

    private init(_ root: JSONValue) {
        self.root = root
    }

    /// What is wrong with the value, first things first, in a sentence; nil when it is valid.
    static func problem(with value: JSONValue, _ schema: JSONValue) -> String? {
        var check = SchemaCheck(schema)
        return check.problem(value, schema, "The answer", 0)
    }

    private mutating func problem(_ value: JSONValue, _ schema: JSONValue, _ path: String, _ depth: Int) -> String? {
        steps += 1
        guard depth < Self.depthLimit, steps < Self.stepLimit else { return nil }
        if schema.bool == false { return "\(path) must not be there." }
        guard schema.isObject else { return nil }
        if let reference = schema["$ref"]?.string {
            guard let target = target(reference) else { return nil }
            if let found = problem(value, target, path, depth + 1) { return found }
        }
        return typeProblem(value, schema["type"], path)
            ?? choiceProblem(value, schema, path)
            ?? membersProblem(value, schema, path, depth)
            ?? elementsProblem(value, schema, path, depth)
            ?? combinationProblem(value, schema, path, depth)
    }

    private func typeProblem(_ value: JSONValue, _ type: JSONValue?, _ path: String) -> String? {
        guard let type else { return nil }
        let names = type.string.map { [$0] } ?? type.elements.compactMap(\.string)
        guard !names.isEmpty, !names.contains(where: { Self.is(value, $0) }) else { return nil }
        return "\(path) must be of type \(names.joined(separator: " or ")), not \(Self.typeName(value))."
    }

    private mutating func choiceProblem(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> String? {
        if let choices = schema["enum"], choices.isArray {
            steps += choices.count
            if !choices.elements.contains(where: { Self.areEqual($0, value) }) {
                return "\(path) must be one of \(Self.shown(choices))."
            }
        }
        if let constant = schema["const"], !Self.areEqual(constant, value) {
            return "\(path) must be \(Self.shown(constant))."
        }
        return nil
    }

    private mutating func membersProblem(
        _ value: JSONValue,
        _ schema: JSONValue,
        _ path: String,
        _ depth: Int
    ) -> String? {
        guard value.isObject else { return nil }
        // Each name is looked for among all.
        let names = (schema["required"]?.count ?? 0) + (schema["properties"]?.count ?? 0)
        let (cost, isTooMuch) = names.multipliedReportingOverflow(by: value.count)
        guard !isTooMuch, cost < Self.stepLimit else { return nil }
        steps += cost / 16
        for name in schema["required"]?.elements.compactMap(\.string) ?? [] where value.member(named: name) == nil {
            return "\(path) lacks the required property '\(name)'."
        }
        let properties = schema["properties"]
        for (key, member) in value.members {
            let name = key.string ?? ""
            let place = "\(path == "The answer" ? "Property" : path + ",") '\(name)'"
            if let rule = properties?.member(named: name) {
                if let found = problem(member, rule, place, depth + 1) { return found }
            } else if let others = schema["additionalProperties"] {
                if others.bool == false, schema["patternProperties"] == nil {
                    return "\(path) has the property '\(name)', which is not allowed."
                }
                if let found = problem(member, others, place, depth + 1), others.isObject { return found }
            }
        }
        return nil
    }

    private mutating func elementsProblem(
        _ value: JSONValue,
        _ schema: JSONValue,
        _ path: String,
        _ depth: Int
    ) -> String? {
        guard value.isArray else { return nil }
        let count = value.count
        if let least = schema["minItems"]?.int, count < least { return "\(path) must have at least \(least) items." }
        if let most = schema["maxItems"]?.int, count > most { return "\(path) must have at most \(most) items." }
        guard let rule = schema["items"] else { return nil }
        // Those before have rules of their own.
        let skipped = schema["prefixItems"]?.count ?? 0
        for (place, element) in value.elements.enumerated() where place >= skipped {
            if let found = problem(element, rule, "\(path), item \(place)", depth + 1) { return found }
        }
        return nil
    }

    private mutating func combinationProblem(
        _ value: JSONValue,
        _ schema: JSONValue,
        _ path: String,
        _ depth: Int
    ) -> String? {
        for rule in schema["allOf"]?.elements.map({ $0 }) ?? [] {
            if let found = problem(value, rule, path, depth + 1) { return found }
        }
        for alternatives in [schema["anyOf"], schema["oneOf"]] {
            guard let alternatives, alternatives.isArray else { continue }
            var problems: [String] = []
            for rule in alternatives.elements {
                guard let found = problem(value, rule, path, depth + 1) else {
                    problems = []
                    break
                }
                problems.append(found)
            }
            if let first = problems.first {
                return problems.count == 1
                    ? first : "\(path) fits none of the alternatives; for the first of them: \(first)"
            }
        }
        return nil
    }

    /// What `#` or `#/$defs/name` stands for; nothing where it is somewhere else.
    private func target(_ reference: String) -> JSONValue? {
        guard reference == "#" || reference.hasPrefix("#/") else { return nil }
        var place = root
        for part in reference.dropFirst().split(separator: "/").prefix(Self.depthLimit) {
            let name = part.replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = Int(name).flatMap({ place.isArray ? place[$0] : nil }) ?? place.member(named: String(name))
            else {
                return nil
            }
            place = next
        }
        return place
    }
}

extension SchemaCheck {
    private static func `is`(_ value: JSONValue, _ type: String) -> Bool {
        switch type {
        case "object": value.isObject
        case "array": value.isArray
        case "string": value.isString
        case "number": value.isNumber
        case "integer": value.isNumber && (value.int != nil || value.double.map { $0 == $0.rounded() } ?? true)
        case "boolean": value.bool != nil
        case "null": value.isNull
        // Nobody knows.
        default: true
        }
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value.kind {
        case .null: "null"
        case .bool: "boolean"
        case .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    /// Equal as values, however they are written.
    private static func areEqual(_ one: JSONValue, _ other: JSONValue) -> Bool {
        guard one.kind == other.kind else { return false }
        switch one.kind {
        case .null: return true
        case .bool: return one.bool == other.bool
        case .number: return one.raw == other.raw || one.double.map { $0 == other.double } ?? false
        case .string: return one.string == other.string
        case .array:
            return one.count == other.count && zip(one.elements, other.elements).allSatisfy { areEqual($0, $1) }
        case .object:
            return one.count == other.count && one.count < 1000
                && one.members.allSatisfy { key, value in
                    other.member(named: key.string ?? "").map { areEqual(value, $0) } ?? false
                }
        }
    }

    private static func shown(_ value: JSONValue) -> String {
        let text = CompactJSON.bytes(value).text
        return text.unicodeScalars.count > 300 ? String(text.prefix(300)) + "…" : text
    }
}
