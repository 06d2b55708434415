import JSON
import Testing

@testable import Providers

@Suite("ChatGPT's changes")
struct ChatGPTDeltaTests {
    private static func document(_ changes: String...) throws -> DeltaDocument {
        var document = DeltaDocument()
        for change in changes { document.apply(try JSONDocument(parsing: Array(change.utf8)).root) }
        return document
    }

    private static func text(_ document: DeltaDocument) -> String? {
        document.root["message"]?["content"]?["parts"]?.elements.first?.string
    }

    private static let root = ChatGPTEvents.root("a-1", ChatGPTEvents.emptyText)
    private static let append = #"{"p":"/message/content/parts/0","o":"append","v":"a"}"#

    @Test("What a change does not say is as in the one before; its value never is")
    func inherited() throws {
        let document = try Self.document(Self.root, Self.append, #"{"v":"b"}"#, #"{"v":"c"}"#)
        #expect(Self.text(document) == "abc")
        let places = try Self.document(Self.root, Self.append, #"{"p":"/message/id","v":"x"}"#)
        #expect(places.root["message"]?["id"]?.string == "a-1x")
    }

    @Test("A message that comes without its place begins a new document")
    func shortRoot() throws {
        let document = try Self.document(
            Self.root,
            Self.append,
            #"{"c":1,"v":{"message":{"id":"a-2","content":{"content_type":"text","parts":["x"]}}}}"#,
            #"{"v":"y"}"#
        )
        #expect(document.root["message"]?["id"]?.string == "a-2")
        #expect(Self.text(document) == "xy")
    }

    @Test("Appending makes texts, arrays and objects longer")
    func appending() throws {
        let document = try Self.document(
            Self.root,
            #"{"p":"/message/metadata","o":"append","v":{"a":1}}"#,
            #"{"p":"/message/metadata","o":"append","v":{"b":2}}"#,
            #"{"p":"/message/list","o":"add","v":[1]}"#,
            #"{"p":"/message/list","o":"append","v":[2,3]}"#,
            #"{"p":"/message/list","o":"append","v":4}"#
        )
        #expect(document.root["message"]?["metadata"]?["a"]?.int == 1)
        #expect(document.root["message"]?["metadata"]?["b"]?.int == 2)
        #expect(document.root["message"]?["list"]?.elements.compactMap(\.int) == [1, 2, 3, 4])
    }

    @Test("A text after several changes at once goes on where text was appended last")
    func afterPatch() throws {
        let patch =
            #"{"p":"","o":"patch","v":[{"p":"/message/content/parts/0","o":"append","v":"b"},{"p":"/message/metadata","o":"append","v":{"x":1}}]}"#
        let document = try Self.document(
            Self.root,
            Self.append,
            patch,
            #"{"v":"c"}"#,
            #"{"v":[{"p":"/message/content/parts/0","o":"append","v":"d"},{"p":"/message/status","o":"replace","v":"x"}]}"#
        )
        #expect(Self.text(document) == "abcd")
        #expect(document.root["message"]?["status"]?.string == "x")
    }

    @Test("Text before any message is the answer's")
    func headless() throws {
        #expect(Self.text(try Self.document(#"{"v":"a"}"#, #"{"v":"b"}"#)) == "ab")
        #expect(Self.text(try Self.document(Self.append, #"{"v":"b"}"#)) == "ab")
    }

    @Test("Removing, cutting, putting in between, and names with slashes in them")
    func others() throws {
        let document = try Self.document(
            Self.root,
            #"{"p":"/message/list","o":"add","v":["a","b","c"]}"#,
            #"{"p":"/message/list/1","o":"remove"}"#,
            #"{"p":"/message/list/1","o":"add","v":"x"}"#,
            #"{"p":"/message/list/-","o":"add","v":"end"}"#,
            #"{"p":"/message/content/parts/0","o":"append","v":"abcdef"}"#,
            #"{"p":"/message/content/parts/0","o":"truncate","v":2}"#,
            #"{"p":"/message/a~1b~0c","o":"add","v":true}"#,
            #"{"p":"/message/status","o":"remove"}"#
        )
        #expect(document.root["message"]?["list"]?.elements.compactMap(\.string) == ["a", "x", "c", "end"])
        #expect(Self.text(document) == "ab")
        #expect(document.root["message"]?["a/b~c"]?.bool == true)
        #expect(document.root["message"]?["status"] == nil)
    }

    @Test(
        "Changes that make no sense change nothing that counts",
        arguments: [
            #"{"p":"/message/content/parts/7","o":"append","v":"x"}"#,
            #"{"p":"/message/content/parts/-5","o":"append","v":"x"}"#,
            #"{"p":"/message/content/parts/99999999999999999999","o":"append","v":"x"}"#,
            #"{"p":"/message/content/parts/0/deeper","o":"append","v":"x"}"#,
            #"{"p":"/message/content/parts/0","o":"dance","v":"x"}"#,
            #"{"p":"/message/content/parts/0","o":"truncate","v":-1}"#,
            #"{"p":"/message/content/parts/0","o":"append"}"#,
            #"{"p":7,"o":8,"v":{}}"#,
            #"{"o":"patch","v":{"not":"an array"}}"#,
            #"{"o":"patch"}"#,
            #"{"p":"/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a","o":"append","v":"x"}"#,
        ]
    )
    func senseless(change: String) throws {
        let document = try Self.document(Self.root, Self.append, change)
        #expect(Self.text(document) == "a")
    }

    @Test("A message cannot grow without bounds")
    func bounded() throws {
        var document = try Self.document(Self.root)
        let piece = try JSONDocument(
            parsing: Array(
                #"{"p":"/message/content/parts/0","o":"append","v":"\#(String(repeating: "x", count: 1 << 20))"}"#.utf8
            )
        ).root
        for _ in 0..<7 { document.apply(piece) }
        #expect(!document.isTooLarge)
        for _ in 0..<2 { document.apply(piece) }
        #expect(document.isTooLarge)
    }

    @Test("A long text is not copied for each of its pieces")
    func linear() throws {
        // A hundred thousand pieces of ten bytes: copying each time would move 50 GB.
        var document = try Self.document(Self.root, Self.append)
        let piece = try JSONDocument(parsing: Array(#"{"v":"0123456789"}"#.utf8)).root
        let clock = ContinuousClock()
        let time = clock.measure { for _ in 0..<20_000 { document.apply(piece) } }
        #expect(Self.text(document)?.utf8.count == 200_001)
        #expect(time < .seconds(10))
    }
}
