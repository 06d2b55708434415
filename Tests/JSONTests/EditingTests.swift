import Core
import JSON
import Testing

@Suite struct EditingTests {
    typealias Case = (source: String, edits: [JSONEdit], result: String)

    static let one = JSONFragment.literal("1")
    static let include = JSONEdit.edit("stream_options", [.set("include_usage", .true)])

    static let cases: [Case] = [
        // Set.
        (#"{"a":0}"#, [.set("a", one)], #"{"a":1}"#),
        (#" { "a" : 0 , "b":[0] } "#, [.set("a", one)], #" { "a" : 1 , "b":[0] } "#),
        (#"{"b":{"a":0},"a":{"a":0}}"#, [.set("a", one)], #"{"b":{"a":0},"a":1}"#),
        (#"{"a":0,"b":0,"a":"x"}"#, [.set("a", one)], #"{"a":1,"b":0,"a":1}"#),
        (#"{"\u0061":0}"#, [.set("a", one)], #"{"\u0061":1}"#),
        (#"{}"#, [.set("a", one)], #"{"a":1}"#),
        (#"{ }"#, [.set("a", one)], #"{"a":1 }"#),
        (#"{"b":0}"#, [.set("a", one)], #"{"b":0,"a":1}"#),
        ("{\n  \"b\": 0\n}", [.set("a", one), .set("c", .string("x"))], "{\n  \"b\": 0,\"a\":1,\"c\":\"x\"\n}"),
        (#"{"a":0,"b":0}"#, [.set("b", one), .set("a", .null)], #"{"a":null,"b":1}"#),
        (#"{"a":0}"#, [.set("a", one), .set("a", .null)], #"{"a":1}"#),
        // Remove.
        (#"{"a":0}"#, [.remove("a")], #"{}"#),
        (#"{"a":0,"b":1}"#, [.remove("a")], #"{"b":1}"#),
        (#"{"a":0,"b":1}"#, [.remove("b")], #"{"a":0}"#),
        (#"{"a":0,"b":1,"c":2}"#, [.remove("b")], #"{"a":0,"c":2}"#),
        (#"{"a":0,"b":1,"c":2}"#, [.remove("a"), .remove("b")], #"{"c":2}"#),
        (#"{"a":0,"b":1,"c":2}"#, [.remove("b"), .remove("c")], #"{"a":0}"#),
        (#"{"a":0,"b":1,"c":2}"#, [.remove("a"), .remove("c")], #"{"b":1}"#),
        (#"{"a":0,"b":1,"a":2,"a":3}"#, [.remove("a")], #"{"b":1}"#),
        (#"{"a":0,"a":1}"#, [.remove("a")], #"{}"#),
        (#"{"b":0}"#, [.remove("a")], #"{"b":0}"#),
        ("{\n  \"a\": 0,\n  \"b\": 1,\n  \"c\": 2\n}", [.remove("a")], "{\n  \"b\": 1,\n  \"c\": 2\n}"),
        ("{\n  \"a\": 0,\n  \"b\": 1,\n  \"c\": 2\n}", [.remove("b")], "{\n  \"a\": 0,\n  \"c\": 2\n}"),
        ("{\n  \"a\": 0,\n  \"b\": 1,\n  \"c\": 2\n}", [.remove("c")], "{\n  \"a\": 0,\n  \"b\": 1\n}"),
        (#"{ "a":0 }"#, [.remove("a")], #"{  }"#),
        // Several at once.
        (#"{"a":0,"b":1}"#, [.remove("a"), .set("c", one)], #"{"b":1,"c":1}"#),
        (#"{"a":0}"#, [.remove("a"), .set("c", one)], #"{"c":1}"#),
        (
            #"{"a":0,"b":1,"c":2}"#, [.remove("b"), .set("c", one), .set("a", .null), .set("d", .true)],
            #"{"a":null,"c":1,"d":true}"#
        ),
        (#"{"a":0,"b":1}"#, [.remove("a"), .set("b", one)], #"{"b":1}"#),
        (#"{"a":0,"b":1}"#, [.set("a", one), .remove("b"), .set("c", .null)], #"{"a":1,"c":null}"#),
        (#"{"a":0}"#, [], #"{"a":0}"#),
        // Within a member.
        (#"{"m":1}"#, [include], #"{"m":1,"stream_options":{"include_usage":true}}"#),
        (#"{"stream_options":{}}"#, [include], #"{"stream_options":{"include_usage":true}}"#),
        (#"{"stream_options":null,"m":1}"#, [include], #"{"stream_options":{"include_usage":true},"m":1}"#),
        (#"{"stream_options":[1],"m":1}"#, [include], #"{"stream_options":{"include_usage":true},"m":1}"#),
        (
            #"{"stream_options": { "include_usage" : false } ,"m":1}"#, [include],
            #"{"stream_options": { "include_usage" : true } ,"m":1}"#
        ),
        (
            #"{"stream_options":{"x":{"include_usage":0}},"m":1}"#, [include],
            #"{"stream_options":{"x":{"include_usage":0},"include_usage":true},"m":1}"#
        ),
        (
            #"{"stream_options":{"include_usage":0},"stream_options":{}}"#, [include],
            #"{"stream_options":{"include_usage":true},"stream_options":{"include_usage":true}}"#
        ),
        (#"{"o":{"a":0,"b":1}}"#, [.edit("o", [.remove("a")])], #"{"o":{"b":1}}"#),
        (#"{"o":{"a":0,"b":1},"c":2}"#, [.edit("o", [.remove("b"), .remove("a")]), .remove("c")], #"{"o":{}}"#),
        (#"{"o":1}"#, [.edit("o", [.remove("a")])], #"{"o":1}"#),
        (#"{"c":1}"#, [.edit("o", [.remove("a")])], #"{"c":1}"#),
        (
            #"{"c":1}"#,
            [.edit("o", [.edit("p", [.set("a", one), .set("b", .null)]), .remove("x"), .set("q", .true)])],
            #"{"c":1,"o":{"p":{"a":1,"b":null},"q":true}}"#
        ),
        (
            #"{"o":{"p":{"q":{"a":0}}},"z":[]}"#, [.edit("o", [.edit("p", [.edit("q", [.set("a", one)])])])],
            #"{"o":{"p":{"q":{"a":1}}},"z":[]}"#
        ),
        // Nothing to edit.
        (#" [{"a":0}] "#, [.set("a", one)], #" [{"a":0}] "#),
        ("null", [.remove("a")], "null"),
    ]

    @Test("Only what is named changes, byte for byte", arguments: cases.indices)
    func edits(index: Int) throws {
        let (source, edits, result) = Self.cases[index]
        let document = try JSONDocument(parsing: Array(source.utf8))
        let edited = document.replacing(edits)
        #expect(edited.text == result)
        _ = try JSONDocument(parsing: edited)
        #expect(document.source.text == source)

        var buffer = ByteBuffer("data: ")
        let trimmed = String(decoding: document.root.raw, as: UTF8.self)
        document.root.append(to: &buffer, editing: edits)
        let end = result.utf8.count - (source.utf8.count - document.root.sourceRange.upperBound)
        #expect(
            buffer.readable.text == "data: "
                + result.utf8.prefix(end).dropFirst(document.root.sourceRange.lowerBound).text
        )
        #expect(trimmed.utf8.count == document.root.sourceRange.count)
    }

    @Test("A value inside a document is edited by itself")
    func inner() throws {
        let root = try JSONDocument(parsing: Array(#"{"x":[{"a":0,"b":1}],"y":2}"#.utf8)).root
        var buffer = ByteBuffer()
        root["x"]?[0]?.append(to: &buffer, editing: [.remove("a"), .set("c", .true)])
        #expect(buffer.readable.text == #"{"b":1,"c":true}"#)
    }

    @Test("Random edits of random objects agree with editing the members one by one")
    func random() throws {
        var generator = FixedGenerator(seed: 5)
        let names: [StaticString] = ["a", "b", "c", "d", "e"]
        for _ in 0..<3_000 {
            let count = Int.random(in: 0...6, using: &generator)
            let keys = (0..<count).map { _ in "\(names.randomElement(using: &generator) ?? "a")" }
            let spaces = ["", " ", "\n"]
            let space = { spaces.randomElement(using: &generator) ?? "" }
            let members = keys.enumerated().map { "\(space())\"\($1)\"\(space()):\(space())\($0)\(space())" }
            let source = "{" + members.joined(separator: ",") + "}"
            let edits = names.compactMap { name -> JSONEdit? in
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: .set(name, .literal("99"))
                case 1: .remove(name)
                default: nil
                }
            }
            var wanted: [(String, Int)] = keys.enumerated().map { ($1, $0) }
            for edit in edits {
                switch edit {
                case .set(let name, _):
                    if !keys.contains("\(name)") { wanted.append(("\(name)", 99)) }
                    wanted = wanted.map { $0.0 == "\(name)" ? ($0.0, 99) : $0 }
                case .remove(let name): wanted.removeAll { $0.0 == "\(name)" }
                case .edit: break
                }
            }
            let edited = try JSONDocument(parsing: JSONDocument(parsing: Array(source.utf8)).replacing(edits))
            let found = edited.root.members.map { ($0.key.string ?? "", $0.value.int ?? -1) }
            #expect(found.elementsEqual(wanted, by: ==), "\(source) \(edited.source.text)")
        }
    }
}
