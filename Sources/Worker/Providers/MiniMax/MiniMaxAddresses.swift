/// Where calls go. The vendor has its own endpoint for chats, and one that is closer to OpenAI's.
struct MiniMaxAddresses: Sendable {
    private static let native = "/text/chatcompletion_v2"
    private static let compatible = "/chat/completions"

    /// For most models.
    let chat: String
    /// For the newest ones, which the vendor's own endpoint does not serve.
    private let newest: String
    /// Nothing where the operator named an endpoint that tells nothing of the others.
    let embeddings: String?

    /// `url` is a host, a base that ends in the version, or an endpoint. `group` is what the vendor's old embeddings want to
    /// know.
    init(_ url: String, group: String?) {
        let isHost = !url.drop { $0 != "/" }.dropFirst(2).contains("/")
        var base: String?
        if let known = [Self.native, Self.compatible].first(where: { url.hasSuffix($0) }) {
            base = String(url.dropLast(known.count))
            chat = url
        } else if isHost || url.hasSuffix("/v1") {
            let versioned = isHost ? url + "/v1" : url
            base = versioned
            chat = versioned + Self.native
        } else {
            chat = url
        }
        newest = base.map { $0 + Self.compatible } ?? chat
        let query = group.map { "?GroupId=" + Self.plain($0) } ?? ""
        embeddings = base.map { $0 + "/embeddings" + query }
    }

    func chat(_ model: MiniMaxModel) -> String { model.isModern ? newest : chat }

    static func isCompatible(_ url: String) -> Bool { url.hasSuffix(compatible) }

    /// Groups have numbers; what is none of their characters would change the address.
    private static func plain(_ text: String) -> String {
        text.filter { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
    }
}
