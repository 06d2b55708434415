/// An account: its token, and the device it is used from where the operator has said which.
struct FlowGPTAccount: Equatable {
    /// Nothing for a visitor without one.
    let token: String?
    let device: String?

    /// A credential is `token` or `token|device`; the token with or without `Bearer ` before it.
    init(_ credential: String) {
        let parts = credential.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
        let token = Self.bare(parts.first ?? "")
        self.token = token.isEmpty || token == "null" ? nil : String(token)
        device = parts.count > 1 && FlowGPTName.isValid(parts[1]) ? String(parts[1]) : nil
    }

    /// As the `Authorization` header has it.
    var authorization: String { "Bearer \(token ?? "null")" }

    var isAnonymous: Bool { token == nil }

    /// The credential of an item `token[|device[|note]]`; a note is for whoever reads the configuration.
    static func credential(_ item: String) -> String? {
        let parts = item.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false)
        let token = bare(parts.first ?? "")
        if token.isEmpty { return nil }
        return parts.count > 1 && !parts[1].isEmpty ? "\(token)|\(parts[1])" : String(token)
    }

    /// The same of what somebody pastes, where that can be a token at all: cookies, JSON and sentences are none.
    static func pasted(_ text: String) -> String? {
        guard let credential = credential(text), FlowGPTAccount(credential).token?.utf8.allSatisfy(isOfTokens) == true
        else { return nil }
        return credential
    }

    /// What tokens consist of, whatever their kind.
    private static func isOfTokens(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~+/=:".utf8.contains(byte)
        }
    }

    private static func bare(_ text: Substring) -> Substring {
        let token = text.drop { $0 == " " }
        guard token.utf8.count > 7, token.prefix(7).lowercased() == "bearer " else { return token }
        return token.dropFirst(7).drop { $0 == " " }
    }
}

/// The names that the service gives: of prompts, conversations and devices.
enum FlowGPTName {
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-".utf8)

    static func isValid(_ name: some StringProtocol) -> Bool {
        !name.isEmpty && name.utf8.count <= 128 && name.utf8.allSatisfy { alphabet.contains($0) }
    }

    /// One letter for each byte; with an alphabet of 64 none is likelier than another.
    static func make(of bytes: [UInt8]) -> String {
        String(decoding: bytes.map { alphabet[Int($0 & 63)] }, as: UTF8.self)
    }
}
