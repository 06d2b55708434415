import JSON
import Testing

@Suite struct PythonTests {
    @Test("Python's json accepts the same documents and reads the same in them", .timeLimit(.minutes(1)))
    func agreement() throws {
        var random = RandomJSON(seed: 20_240_601)
        let valid = (0..<2_500).map { _ in random.document() }
        let spoiled = valid.map { random.spoiled($0) }
        let texts =
            valid + spoiled + GrammarTests.accepted.map { Array($0.utf8) }
            + GrammarTests.refused.map { Array($0.text.utf8) }
        let theirs = try PythonOracle.forms(of: texts)
        try #require(theirs.count == texts.count)
        for (text, wanted) in zip(texts, theirs) {
            let ours = (try? JSONDocument(parsing: text)).flatMap { Canonical.form($0.root) }
            #expect(ours == wanted, "\(String(decoding: text, as: UTF8.self).debugDescription)")
        }
        let refusedCount = theirs[valid.count..<2 * valid.count].count { $0 == nil }
        #expect(theirs[..<valid.count].allSatisfy { $0 != nil })
        #expect((1_000..<2_450).contains(refusedCount))
    }

    @Test("What we write, Python reads as what we had read", .timeLimit(.minutes(1)))
    func rewriting() throws {
        var random = RandomJSON(seed: 77)
        let documents = try (0..<1_500).map { _ in try JSONDocument(parsing: random.document()) }
        let rewritten = documents.map { document in
            var writer = JSONWriter()
            write(document.root, to: &writer)
            return writer.take()
        }
        let theirs = try PythonOracle.forms(of: rewritten)
        #expect(theirs == documents.map { Canonical.form($0.root) })
    }

    /// Writes from decoded values, except numbers that no Swift number can hold.
    private func write(_ value: JSONValue, to writer: inout JSONWriter) {
        switch value.kind {
        case .null: writer.null()
        case .bool: writer.bool(value.bool == true)
        case .string: writer.string(value.string ?? "")
        case .number:
            if let number = value.int {
                writer.integer(number)
            } else if let number = value.double, value.raw.contains(where: { ".eE".utf8.contains($0) }) {
                writer.double(number)
            } else {
                writer.value(value)
            }
        case .array:
            writer.beginArray()
            for element in value.elements { write(element, to: &writer) }
            writer.endArray()
        case .object:
            writer.beginObject()
            for (key, member) in value.members {
                writer.key(key.string ?? "")
                write(member, to: &writer)
            }
            writer.endObject()
        }
    }
}
