/// Takes out of a text what may be a secret: vendors quote the key they refuse.
enum Redaction {
    /// Replaces every run of 20 or more key-like characters that holds a digit or begins like a key.
    static func redact(_ text: String) -> String {
        var result = ""
        var run = ""
        for character in text {
            if character.isASCII, character.isLetter || character.isNumber || "-_*.+/=".contains(character) {
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
        let beginsLikeKey = ["sk-", "key-", "Bearer", "eyJ", "AIza", "hf_"].contains { run.hasPrefix($0) }
        if beginsLikeKey, run.count >= 8 { return "[redacted]" }
        let looksRandom = run.count >= 20 && run.contains(where: \.isNumber) && !run.contains(".") && !run.contains("/")
        return looksRandom && !run.contains("-") && !run.contains("_") ? "[redacted]" : run
    }
}
