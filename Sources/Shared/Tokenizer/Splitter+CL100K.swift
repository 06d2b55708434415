extension Splitter {
    /// The rules in their order: `'(?i:[sdmt]|ll|ve|re)`, `[^\r\n\p{L}\p{N}]?+\p{L}++`, `\p{N}{1,3}+`,
    /// ` ?[^\s\p{L}\p{N}]++[\r\n]*+`, `\s++$`, `\s*[\r\n]`, `\s+(?!\S)`, `\s`.
    func cl100kEnd(_ text: RawSpan, _ start: Int) -> Int {
        let (found, count) = classes.scalar(text, start)
        if found.contains(.letter) { return run(text, start + count, .letter) }
        if found.contains(.number) { return numbers(text, start, count) }
        if let end = contraction(text, start) { return end }
        if !found.contains(.lineBreak) {
            let end = run(text, start + count, .letter)
            if end > start + count { return end }
        }
        if let end = symbols(text, start, slashes: false) { return end }
        return spaces(text, start, endFirst: true)
    }
}
