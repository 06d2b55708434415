import HTTPCodec
import Testing

@Suite struct MediaTypeTests {
    @Test(
        "Media types are told apart strictly",
        arguments: [
            ("application/json", .json), ("Application/JSON; charset=utf-8", .json), ("application/json;", .json),
            ("application/problem+json", .json), ("application/json ; a=\"b; \\\" c\" ;d=e", .json),
            ("text/event-stream", .eventStream), ("text/event-stream;charset=UTF-8", .eventStream),
            ("application/x-ndjson", .lineDelimitedJSON), ("application/jsonl", .lineDelimitedJSON),
            ("text/html", .other), ("application/jsonp", .other), ("text/json", .other), ("application/+json", .other),
            ("", nil), ("json", nil), ("application/", nil), ("/json", nil), ("application/json, text/html", nil),
            ("application/json x", nil), ("application/json; a", nil), ("application/json; a=", nil),
            ("application/json; a=\"b", nil), ("application/json; a=\"b\\", nil), (" application/json", nil),
        ] as [(String, MediaType?)]
    )
    func kinds(_ value: String, _ expected: MediaType?) {
        #expect(MediaType(value) == expected)
    }
}

@Suite struct PercentDecodingTests {
    @Test(
        "Escapes are undone strictly",
        arguments: [
            ("", ""), ("a+b", "a+b"), ("org%2Fmodel", "org/model"), ("%e2%82%AC", "\u{20AC}"), ("%25%32%35", "%25"),
            ("%", nil), ("%2", nil), ("%2g", nil), ("%+1", nil), ("a%", nil), ("%00", nil), ("%0d%0a", nil),
            ("%7f", nil),
        ] as [(String, String?)]
    )
    func escapes(_ text: String, _ expected: String?) {
        #expect(text.utf8.percentDecoded() == expected.map { Array($0.utf8) })
    }
}
