import Core
import HTTPCodec
import JSON

/// A JSON object of a request body, read strictly: every member is known, given once, and of the right kind; what is wrong
/// is named.
struct AdminObject {
    private let value: JSONValue
    /// What leads to this object from the body, with a dot at its end.
    private let path: String

    /// The body itself.
    init(_ request: AdminRequest, allowing names: [String]) throws(GatewayError) {
        try self.init(try Self.document(request).root, path: "", allowing: names)
    }

    /// The body, where it is an array.
    static func array(_ request: AdminRequest) throws(GatewayError) -> JSONValue? {
        let root = try document(request).root
        return root.isArray ? root : nil
    }

    private static func document(_ request: AdminRequest) throws(GatewayError) -> JSONDocument {
        guard let type = request.head.first("content-type"), MediaType(type) == .json else {
            throw .invalid(nil, "The body must be sent as application/json.", code: .unsupportedMediaType)
        }
        do throws(JSONError) {
            return try JSONDocument(parsing: request.body, limits: JSONLimits(depth: 32))
        } catch {
            throw .invalid(
                nil,
                "The body is not valid JSON: \(error.message) at byte \(error.offset).",
                code: .invalidJSON
            )
        }
    }

    /// An object inside it; `path` leads to it.
    init(_ value: JSONValue, path: String, allowing names: [String]) throws(GatewayError) {
        guard value.isObject else {
            throw .invalid(
                path.isEmpty ? nil : path,
                path.isEmpty ? "The body must be a JSON object." : "'\(path)' must be an object."
            )
        }
        self.value = value
        self.path = path.isEmpty ? "" : path + "."
        var seen: Set<String> = []
        for (key, _) in value.members {
            let name = key.string ?? ""
            guard names.contains(name) else {
                throw .invalid(
                    self.path + String(name.prefix(64)),
                    "There is no such member here. Known are: \(names.joined(separator: ", ")).",
                    code: .unsupportedParameter
                )
            }
            guard seen.insert(name).inserted else {
                throw .invalid(self.path + name, "'\(self.path + name)' is given twice.")
            }
        }
    }

    /// Whether the member is there, be it null.
    func has(_ name: String) -> Bool { value.member(named: name) != nil }

    /// The member, unless it is missing or null.
    func member(_ name: String) -> JSONValue? { value.member(named: name).flatMap { $0.isNull ? nil : $0 } }

    func place(_ name: String) -> String { path + name }

    func text(_ name: String, most: Int = 256) throws(GatewayError) -> String? {
        guard let member = member(name) else { return nil }
        return try Self.text(member, place(name), most: most)
    }

    func requiredText(_ name: String, most: Int = 256) throws(GatewayError) -> String {
        guard let text = try text(name, most: most) else {
            throw .invalid(place(name), "'\(place(name))' is required.", code: .missingParameter)
        }
        return text
    }

    func integer(_ name: String, in range: ClosedRange<Int>) throws(GatewayError) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.int, range.contains(number) else {
            let span =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            throw .invalid(place(name), "'\(place(name))' must be a whole number, \(span).")
        }
        return number
    }

    func flag(_ name: String) throws(GatewayError) -> Bool? {
        guard let member = member(name) else { return nil }
        guard let flag = member.bool else { throw .invalid(place(name), "'\(place(name))' must be true or false.") }
        return flag
    }

    func texts(_ name: String, most: Int = 100) throws(GatewayError) -> [String]? {
        guard let list = try list(name, most: most) else { return nil }
        var texts: [String] = []
        for (position, element) in list.enumerated() {
            texts.append(try Self.text(element, "\(place(name))[\(position)]", most: 256))
        }
        return texts
    }

    func list(_ name: String, most: Int) throws(GatewayError) -> [JSONValue]? {
        guard let member = member(name) else { return nil }
        guard member.isArray else { throw .invalid(place(name), "'\(place(name))' must be an array.") }
        let elements = Array(member.elements)
        guard elements.count <= most else {
            throw .invalid(place(name), "'\(place(name))' may have \(most) elements at most.")
        }
        return elements
    }

    private static func text(_ value: JSONValue, _ place: String, most: Int) throws(GatewayError) -> String {
        guard let text = value.string else { throw .invalid(place, "'\(place)' must be a string.") }
        guard text.utf8.count <= most else { throw .invalid(place, "'\(place)' may have \(most) bytes at most.") }
        guard !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .invalid(place, "'\(place)' must not hold control characters.")
        }
        return text
    }
}
