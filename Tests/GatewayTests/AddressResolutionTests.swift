import Testing

@testable import Gateway

@Suite("Where redirects lead")
struct AddressResolutionTests {
    @Test(
        "References of every kind",
        arguments: [
            ("https://y/z", "https://y/z"), ("HTTP://y", "HTTP://y"), ("file:///etc/passwd", "file:///etc/passwd"),
            ("//y/z", "http://y/z"), ("/z?a=b", "http://x:8/z?a=b"), ("z", "http://x:8/a/b/z"),
            ("../z", "http://x:8/a/z"), ("../../../../z", "http://x:8/z"), ("./z/.", "http://x:8/a/b/z/"),
            ("..", "http://x:8/a/"), ("/a/./b/../c", "http://x:8/a/c"), ("?n=1", "http://x:8/a/b/c?n=1"),
            ("#top", "http://x:8/a/b/c?q=/r"), ("z#top", "http://x:8/a/b/z"), ("z/a:b", "http://x:8/a/b/z/a:b"),
            ("1:2", "http://x:8/a/b/1:2"), ("//", "http://"), ("z//y", "http://x:8/a/b/z//y"),
        ]
    )
    func references(_ location: String, _ expected: String) {
        #expect(AddressResolution.resolve(location, against: "http://x:8/a/b/c?q=/r") == expected)
    }

    @Test("A host without a path", arguments: [("z", "http://x/z"), ("?n", "http://x?n"), ("/", "http://x/")])
    func bare(_ location: String, _ expected: String) {
        #expect(AddressResolution.resolve(location, against: "http://x") == expected)
    }
}
