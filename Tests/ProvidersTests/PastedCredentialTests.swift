import Testing

@testable import Providers

@Suite struct PastedCredentialTests {
    @Test(arguments: [
        ("sso=abc", "abc"), ("abc", "abc"), ("sso=abc; sso-rw=abc", "abc"), ("x=1; sso=abc", "sso=abc; x=1"),
        (#"{"a":"b"}"#, nil), ("x=1", nil), ("", nil),
    ])
    func grokKeepsTheShortestForm(_ pasted: String, _ kept: String?) {
        let reads = GrokProvider.definition.pool.reads
        let first = reads(pasted)
        if let kept, kept.contains(";") {
            #expect(first?.contains("sso=abc") == true && first?.contains("x=1") == true)
        } else {
            #expect(first == kept)
        }
        // What is kept is its own form.
        #expect(first.flatMap(reads) == first)
    }

    @Test(arguments: [
        ("Bearer eyJhbGciOi.a.b", "eyJhbGciOi.a.b"), ("token,workspace", "token,workspace"),
        ("__Secure-next-auth.session-token=abc", "sess-abc"),
        ("a=b; __Secure-next-auth.session-token=abc; c=d", "sess-abc"), ("sess-abc", "sess-abc"),
        (#"{"access_token":"a","refresh_token":"r"}"#, "r"), (#"{"accessToken":"a","user":{"id":"u"}}"#, "a"),
        (#"{"user":"u"}"#, nil), ("two words", nil), ("a=b; c=d", nil), ("", nil), ("{", nil),
    ])
    func chatGPTKeepsTheTokenThatServesLongest(_ pasted: String, _ kept: String?) {
        let pool = ChatGPTProvider.definition.pool
        #expect(pool.reads(pasted) == kept)
        #expect(kept.flatMap(pool.reads) == kept)
        #expect(pool.hasCommas)
    }
}
