/// Takes out of a text what may be a secret: vendors quote the key they refuse.
enum Redaction {
    /// Replaces every run of 20 or more key-like characters that holds a digit or begins like a key.
    static func redact(_ text: String) -> String {
        var result = ""
        var run = ""
        for character in text {
            if character.isASCII, character.isLetter || character.isNumber || "-_*.+/=:".contains(character) {
                run.append(character)
            } else {
                result += shown(run)
                result.append(character)
                run = ""
            }
        }
        return result + shown(run)
    }

    private static func shown(_ run: String) -> String {
        if run.contains("://") || isAddress(run) { return "[address]" }
        let beginsLikeKey = ["sk-", "key-", "Bearer", "eyJ", "AIza", "hf_"].contains { run.hasPrefix($0) }
        if beginsLikeKey, run.count >= 8 { return "[redacted]" }
        let isPlain = !run.contains { "./-_:".contains($0) }
        return run.count >= 20 && isPlain && run.contains(where: \.isNumber) ? "[redacted]" : run
    }

    /// Four numbers between dots, a port perhaps.
    private static func isAddress(_ run: String) -> Bool {
        let host = run.prefix { $0 != ":" }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
