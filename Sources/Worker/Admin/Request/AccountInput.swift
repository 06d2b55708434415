import Core
import HTTPCodec
import JSON
import State

/// Reads what an account shall be.
struct AccountInput {
    static let members = ["credential", "note", "tags", "weight", "concurrency"]
    /// Cookies and tokens of web accounts are long.
    static let longestCredential = 16 << 10
    /// How many accounts one request adds.
    static let most = 10_000

    var credential: String
    var note = ""
    var tags: [String] = []
    var weight = 1
    var concurrency: Int?

    init(_ object: AdminObject) throws(GatewayError) {
        credential = try object.requiredText("credential", most: Self.longestCredential)
        note = try object.text("note") ?? ""
        tags = try object.texts("tags", most: 20) ?? []
        weight = try object.integer("weight", in: 1...1000) ?? 1
        concurrency = try object.integer("concurrency", in: 1...1_000_000)
    }

    init(_ line: AccountLine) throws(GatewayError) {
        credential = line.credential
        note = line.note
        tags = line.tags
        guard credential.utf8.count <= Self.longestCredential, note.utf8.count <= 256,
            !(credential + note).utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw .invalid("credential", "The line is too long or holds control characters.") }
        guard tags.count <= 20, tags.allSatisfy({ $0.utf8.count <= 256 }) else {
            throw .invalid("tags", "The account has too many tags, or too long ones.")
        }
    }

    /// What a PATCH changes.
    static func changes(_ body: AdminObject) throws(GatewayError) -> Account.Changes {
        Account.Changes(
            credential: try body.text("credential", most: longestCredential),
            note: try body.text("note"),
            tags: body.has("tags") ? try body.texts("tags", most: 20) ?? [] : nil,
            weight: try body.integer("weight", in: 1...1000),
            concurrency: body.has("concurrency") ? .some(try body.integer("concurrency", in: 1...1_000_000)) : nil
        )
    }

    /// Whether a body is plain text, one account a line.
    static func isText(_ request: AdminRequest) -> Bool {
        guard let type = request.head.first("content-type") else { return false }
        let name = type.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        return name.equalsIgnoringCase("text/plain")
    }
}
