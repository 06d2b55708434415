extension Splitter {
    /// The rules in their order, where U is `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, L `[\p{Ll}\p{Lm}\p{Lo}\p{M}]` and C the
    /// contractions: `[^\r\n\p{L}\p{N}]?U*L+C?`, `[^\r\n\p{L}\p{N}]?U+L*C?`, `\p{N}{1,3}`, ` ?[^\s\p{L}\p{N}]+[\r\n/]*`,
    /// `\s*[\r\n]+`, `\s+(?!\S)`, `\s+`.
    func o200kEnd(_ text: RawSpan, _ start: Int) -> Int {
        let (found, count) = classes.scalar(text, start)
        if found.contains(.number) { return numbers(text, start, count) }
        if let end = wordEnd(text, start, found, count) { return contraction(text, end) ?? end }
        if let end = symbols(text, start, slashes: true) { return end }
        return spaces(text, start, endFirst: false)
    }

    /// The first two rules without C. The scalar in front of a word may be a mark, which could be part of the word, too:
    /// the first rule is tried with it in front, then with it inside, and then the second one likewise.
    @inline(__always)
    private func wordEnd(_ text: RawSpan, _ start: Int, _ first: CharacterClass, _ count: Int) -> Int? {
        if first.contains(.letter) {
            return endingLow(text, start) ?? run(text, start, .upper)
        }
        if first.contains(.lineBreak) { return nil }
        if let end = endingLow(text, start + count) { return end }
        if first.contains(.lower) { return endingLow(text, start) }
        let end = run(text, start + count, .upper)
        return end > start + count ? end : nil
    }

    /// `U*L+` from `start` on. As many of U as there are, and one of L behind; else the last of them that is also of L gives
    /// way, and ends it.
    @inline(__always)
    private func endingLow(_ text: RawSpan, _ start: Int) -> Int? {
        var at = start
        var lastShared: Int?
        while at < text.byteCount {
            let (found, count) = classes.scalar(text, at)
            if !found.contains(.upper) {
                if found.contains(.lower) { return run(text, at + count, .lower) }
                break
            }
            at += count
            if found.contains(.lower) { lastShared = at }
        }
        return lastShared
    }
}
