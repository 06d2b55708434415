/// Takes out of a text what may be a secret or an address: vendors quote the key they refuse and the host that failed.
enum Redaction {
    private static let keyPrefixes = ["sk-", "sk_", "eyJ", "AIza", "hf_", "xai-", "gsk_"]

    /// Replaces addresses, and every run of key-like characters that begins like a key, follows the word "Bearer", or
    /// holds twenty characters without a break that no word or model name would have.
    static func redact(_ text: String) -> String {
        var result = ""
        var run = ""
        var followsBearer = false
        for character in text {
            if character.isASCII, character.isLetter || character.isNumber || "-_*.+/=:".contains(character) {
                run.append(character)
            } else {
                show(run, &followsBearer, in: &result)
                result.append(character)
                run = ""
            }
        }
        show(run, &followsBearer, in: &result)
        return result
    }

    private static func show(_ run: String, _ followsBearer: inout Bool, in result: inout String) {
        if run.contains("://") || isAddress(run) {
            result += "[address]"
            return
        }
        // Names stand before keys with one of these in between.
        var rest = run[...]
        while !rest.isEmpty {
            let part = rest.prefix { $0 != "=" && $0 != ":" }
            if !part.isEmpty {
                result += isSecret(part, followsBearer) ? "[redacted]" : part
                followsBearer = part.lowercased() == "bearer"
            }
            rest = rest.dropFirst(part.count)
            if let separator = rest.popFirst() { result.append(separator) }
        }
    }

    private static func isSecret(_ part: Substring, _ followsBearer: Bool) -> Bool {
        let hasDigit = part.contains(where: \.isNumber)
        // "Bearer authentication" is no token.
        if followsBearer, part.count >= 8, hasDigit || part.count >= 20 { return true }
        if part.hasPrefix("key-"), part.count >= 12, hasDigit || part.contains("*") { return true }
        let beginsLikeKey = part.split(separator: "/").contains { piece in
            piece.count >= 8 && keyPrefixes.contains { piece.hasPrefix($0) }
        }
        // Names are made of short words and numbers, keys hold long stretches of both together.
        return beginsLikeKey
            || part.split { "-_./".contains($0) }.contains { $0.count >= 20 && $0.contains(where: \.isNumber) }
    }

    /// Four numbers between dots, a port perhaps.
    private static func isAddress(_ run: String) -> Bool {
        let host = run.prefix { $0 != ":" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
