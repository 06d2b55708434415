import Testing

@testable import Admin

@Suite("What people paste to have accounts")
struct AccountImportTests {
    private func lines(_ text: String) -> [AccountLine] {
        AccountImport(Array(text.utf8)).entries.compactMap { if case .account(let line) = $0 { line } else { nil } }
    }

    private func credentials(_ text: String) -> [String] { lines(text).map(\.credential) }

    @Test("Lines are taken apart at four dashes")
    func dashes() {
        let text = "a----b\n\n c -- d ----  e---- f \r\n----note only\nx"
        let expected = [("a", "b"), ("c -- d", "e---- f"), ("x", "")].map { AccountLine(credential: $0.0, note: $0.1) }
        #expect(lines(text) == expected)
        #expect(AccountImport(Array(text.utf8)).empty == 2)
    }

    @Test(
        "Lines end as on any system, and the last end begins no further line",
        arguments: ["a\nb", "a\nb\n", "a\r\nb\r\n", "a\rb\r", "\u{FEFF}a\nb"]
    )
    func ends(_ text: String) {
        let read = AccountImport(Array(text.utf8))
        #expect(credentials(text) == ["a", "b"] && read.empty == 0)
    }

    @Test("Cookies stay whole, tokens in a row do not")
    func rows() {
        #expect(credentials("sso=abc; sso-rw=abc; x=1,2") == ["sso=abc; sso-rw=abc; x=1,2"])
        #expect(credentials("one, two,three,") == ["one", "two", "three"])
        #expect(lines("one,two----both").map(\.note) == ["both", "both"])
        #expect(AccountImport(Array("one,,two".utf8)).empty == 1)
        #expect(credentials("Cookie: sso=abc; x=1") == ["sso=abc; x=1"])
        let together = AccountImport(Array("token,workspace\n".utf8), in: CredentialForm(hasCommas: true))
        #expect(together.entries == [.account(AccountLine(credential: "token,workspace", note: ""))])
    }

    @Test("JSON is read in the forms in which tools write it")
    func json() {
        #expect(credentials(#"["a", "b----note", "", null]"#) == ["a", "b"])
        #expect(lines(#"["b----note"]"#).first?.note == "note")
        let object = lines(#"{"token": "t", "remark": "mine", "tags": ["eu"], "created": 3}"#)
        #expect(object == [AccountLine(credential: "t", note: "mine", tags: ["eu"])])
        #expect(lines(#"{"credential": "a----own", "note": "other"}"#).map(\.note) == ["own"])
        let pools = lines(#"{"ssoBasic": ["a", {"token": "b"}], "ssoSuper": ["c"]}"#)
        #expect(pools.map(\.credential) == ["a", "b", "c"])
        #expect(pools.map(\.tags) == [["ssoBasic"], ["ssoBasic"], ["ssoSuper"]])
        #expect(lines(#"{"accounts": [{"credential": "a"}]}"#) == [AccountLine(credential: "a", note: "")])
        #expect(credentials("{\"token\": \"a\"}\n{\"token\": \"b\"}\nplain") == ["a", "b", "plain"])
    }

    @Test("Tokens that belong together stay together, and a browser's cookies are one account")
    func together() {
        let pair = credentials("{\n \"access_token\": \"a\",\n \"refresh_token\": \"r\\n\", \"email\": \"x\"}")
        #expect(pair == [#"{"access_token":"a","refresh_token":"r\n"}"#])
        let cookies = #"[{"name":"sso","value":"abc","domain":".x"},{"name":"cf","value":"1"}]"#
        #expect(credentials(cookies) == ["sso=abc; cf=1"])
        #expect(credentials(#"[{"note":"n","cookies":\#(cookies)}]"#) == ["sso=abc; cf=1"])
    }

    @Test(
        "What is no account is told of",
        arguments: ["[1]", "[true]", "{}", #"{"note": "x"}"#, "[[[[[\"deep\"]]]]]", #"{"token": 3}"#]
    )
    func unreadable(_ text: String) {
        let read = AccountImport(Array(text.utf8))
        #expect(read.entries.count == 1)
        if case .account(let line) = read.entries.first { Issue.record("\(line) was read") }
    }

    @Test("What only begins like JSON is a line as others are")
    func brokenJSON() {
        #expect(credentials("[not JSON\nnext") == ["[not JSON", "next"])
        #expect(AccountImport([]).entries.isEmpty)
        #expect(AccountImport([0xFF, 0xFE, 0x0A]).entries.count == 1)
    }
}
