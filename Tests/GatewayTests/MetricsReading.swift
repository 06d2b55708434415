/// Reads the text format of Prometheus strictly, written apart from what writes it.
struct ExpositionReading {
    struct Problem: Error { let line: String, reason: String }

    struct Series: Hashable {
        let name: String
        let labels: [String: String]
    }

    private(set) var kinds: [String: String] = [:]
    private(set) var order: [String] = []
    private(set) var values: [Series: Double] = [:]

    init(_ bytes: [UInt8]) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw Problem(line: "", reason: "no UTF-8") }
        guard text.isEmpty || text.hasSuffix("\n") else { throw Problem(line: "", reason: "the last line has no end") }
        var helped: Set<String> = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) {
            if line.hasPrefix("# HELP ") {
                let name = String(line.split(separator: " ")[2])
                guard helped.insert(name).inserted else { throw Problem(line: line, reason: "a second HELP") }
            } else if line.hasPrefix("# TYPE ") {
                let words = line.split(separator: " ").map(String.init)
                guard words.count == 4, kinds[words[2]] == nil, helped.contains(words[2]) else {
                    throw Problem(line: line, reason: "a second TYPE, or one without HELP")
                }
                kinds[words[2]] = words[3]
                order.append(words[2])
            } else if !line.hasPrefix("#") {
                try read(line)
            }
        }
    }

    /// The sum over all series of that name that have these labels.
    func sum(_ name: String, _ labels: [String: String] = [:]) -> Double {
        values.reduce(0) { sum, entry in
            let matches = entry.key.name == name && labels.allSatisfy { entry.key.labels[$0.key] == $0.value }
            return matches ? sum + entry.value : sum
        }
    }

    private mutating func read(_ line: String) throws {
        guard let brace = line.firstIndex(of: "{") else { throw Problem(line: line, reason: "no labels") }
        let name = String(line[..<brace])
        let bases =
            [name] + ["_bucket", "_sum", "_count"].filter(name.hasSuffix).map { String(name.dropLast($0.count)) }
        guard let family = order.last, bases.contains(family) else {
            throw Problem(line: line, reason: "outside of its family")
        }
        var rest = line[line.index(after: brace)...].unicodeScalars[...]
        var labels: [String: String] = [:]
        while rest.first != "}" {
            if !labels.isEmpty, rest.popFirst() != "," { throw Problem(line: line, reason: "no comma") }
            var label = ""
            while let scalar = rest.popFirst(), scalar != "=" { label.unicodeScalars.append(scalar) }
            guard rest.popFirst() == "\"" else { throw Problem(line: line, reason: "no quote") }
            var value = ""
            var isClosed = false
            while let scalar = rest.popFirst() {
                if scalar == "\"" {
                    isClosed = true
                    break
                }
                guard scalar == "\\" else {
                    value.unicodeScalars.append(scalar)
                    continue
                }
                switch rest.popFirst() {
                case "\\": value += "\\"
                case "\"": value += "\""
                case "n": value += "\n"
                default: throw Problem(line: line, reason: "an unknown escape")
                }
            }
            guard isClosed, !label.isEmpty, labels.updateValue(value, forKey: label) == nil else {
                throw Problem(line: line, reason: "a label that is open, nameless or there twice")
            }
        }
        rest.removeFirst()
        guard rest.popFirst() == " ", let value = Double(String(rest).replacing("+Inf", with: "inf")) else {
            throw Problem(line: line, reason: "no number")
        }
        guard values.updateValue(value, forKey: Series(name: name, labels: labels)) == nil else {
            throw Problem(line: line, reason: "a second series of the same labels")
        }
    }
}
