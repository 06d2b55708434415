internal import Core
internal import JSON

/// Accounts as people have them: a text with one a line, or JSON from somebody's tool or browser.
///
/// Read leniently: what cannot be read is told of, and the rest is taken. Known are strings; objects with one of the usual
/// names for a credential; objects of arrays, whose names become tags; a browser's exported cookies, which are one account;
/// and arrays of all of these.
package struct AccountImport: Sendable {
    package enum Entry: Sendable, Equatable {
        case account(AccountLine)
        /// Why it is none.
        case unreadable(String)
    }

    private static let credentialNames = [
        "credential", "token", "access_token", "accessToken", "refresh_token", "refreshToken", "session_token",
        "sessionToken", "cookie", "sso", "key", "api_key", "apiKey",
    ]
    private static let noteNames = ["note", "name", "remark", "label", "email"]
    /// How deep accounts may lie in each other's lists.
    private static let deepest = 4

    package private(set) var entries: [Entry] = []
    /// Lines and values that hold nothing.
    package private(set) var empty = 0

    private let form: CredentialForm

    package init(_ text: [UInt8], in form: CredentialForm = CredentialForm()) {
        self.form = form
        if let document = Self.document(text[...]) {
            read(document.root, tags: [], depth: 0)
            return
        }
        for line in Self.lines(text) {
            if let document = Self.document(line) {
                read(document.root, tags: [], depth: 0)
            } else {
                read(line.text, tags: [])
            }
        }
    }

    /// A single credential, whatever it holds.
    package init(one credential: String) {
        form = CredentialForm()
        entries = [.account(AccountLine(credential: credential, note: ""))]
    }

    /// An array that is the body of a request.
    init(_ value: JSONValue, in form: CredentialForm) {
        self.form = form
        read(value, tags: [], depth: 0)
    }

    private mutating func read(_ text: String, tags: [String]) {
        guard let line = AccountLine(text[...], tags: tags) else {
            empty += 1
            return
        }
        // Several tokens in a row, as some tools keep them; cookies and JSON have commas of their own.
        let isList =
            !form.hasCommas && line.credential.contains(",") && !line.credential.contains { "=;{\"".contains($0) }
        guard isList else { return entries.append(.account(line)) }
        for token in line.credential.split(separator: ",", omittingEmptySubsequences: false) {
            if let one = AccountLine(token, tags: tags) {
                entries.append(.account(one.noted(line.note)))
            } else {
                empty += 1
            }
        }
    }

    private mutating func read(_ value: JSONValue, tags: [String], depth: Int) {
        switch value.kind {
        case .null: empty += 1
        case .string: read(value.string ?? "", tags: tags)
        case .bool, .number: entries.append(.unreadable("A number or a truth value is no account."))
        case .array where depth >= Self.deepest, .object where depth >= Self.deepest:
            entries.append(.unreadable("The account lies too deep."))
        case .array:
            if let cookies = Self.cookies(value) { return read(cookies, tags: tags) }
            for element in value.elements { read(element, tags: tags, depth: depth + 1) }
        case .object: read(object: value, tags: tags, depth: depth)
        }
    }

    private mutating func read(object: JSONValue, tags: [String], depth: Int) {
        let tags = tags + (object["tags"]?.elements.compactMap(\.string) ?? [])
        let note = Self.noteNames.lazy.compactMap { object.member(named: $0)?.string }.first { !$0.isEmpty } ?? ""
        let found = Self.credentialNames.compactMap { name in
            object.member(named: name)?.string.flatMap { $0.isEmpty ? nil : (name, $0) }
        }
        if found.count == 1, let line = AccountLine(found[0].1[...], tags: tags) {
            return entries.append(.account(line.note.isEmpty ? line.noted(note) : line))
        }
        if found.count > 1 {
            // Tokens that belong together stay together.
            return entries.append(.account(AccountLine(credential: Self.compact(found), note: note, tags: tags)))
        }
        if let list = object["cookies"], let cookies = Self.cookies(list) {
            return entries.append(.account(AccountLine(credential: cookies, note: note, tags: tags)))
        }
        var hasLists = false
        for (key, value) in object.members where value.isArray && !key.equals("tags") {
            hasLists = true
            let isPlain = ["accounts", "tokens", "data"].contains(key.string ?? "")
            read(value, tags: isPlain ? tags : tags + [key.string ?? ""], depth: depth + 1)
        }
        if !hasLists { entries.append(.unreadable("The object has no credential under a known name.")) }
    }

    /// `[{"name": …, "value": …, "domain": …}, …]`
    private static func cookies(_ list: JSONValue) -> String? {
        guard list.isArray else { return nil }
        var pairs: [String] = []
        for element in list.elements {
            guard let name = element["name"]?.string, let value = element["value"]?.string, !name.isEmpty else {
                return nil
            }
            pairs.append("\(name)=\(value)")
        }
        return pairs.isEmpty ? nil : pairs.joined(separator: "; ")
    }

    private static func compact(_ members: [(String, String)]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        return String(decoding: writer.take(), as: UTF8.self)
    }

    /// Ends are those of any system; that of the last line begins no further one.
    private static func lines(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        let (cr, lf) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        var lines: [ArraySlice<UInt8>] = []
        var start = text.startIndex
        for place in text.indices where text[place] == lf || text[place] == cr {
            let endsPair = text[place] == lf && place > text.startIndex && text[place - 1] == cr
            if !endsPair { lines.append(text[start..<place]) }
            start = place + 1
        }
        if start < text.endIndex { lines.append(text[start...]) }
        return lines
    }

    /// Nothing for a text that does not even begin like JSON.
    private static func document(_ text: ArraySlice<UInt8>) -> JSONDocument? {
        guard let first = text.first(where: { $0 > 0x20 }), first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        else { return nil }
        return try? JSONDocument(parsing: Array(text), limits: JSONLimits(depth: 32))
    }
}
