/// Splits a text into the pieces that are merged each for itself, as the published regular expression of an encoding does.
///
/// Written by hand because the expressions need look-ahead and backtracking in few places only; each rule says below what
/// it amounts to. Text is valid UTF-8.
struct Splitter {
    let rules: Rules
    let classes = CharacterClasses()

    enum Rules { case cl100k, o200k }

    /// Where the piece that begins at `start` ends; `start` is within the text.
    @inline(__always)
    func end(_ text: RawSpan, _ start: Int) -> Int {
        switch rules {
        case .cl100k: cl100kEnd(text, start)
        case .o200k: o200kEnd(text, start)
        }
    }

    /// Behind the scalars from `start` on whose class has any bit of `wanted`.
    @inline(__always)
    func run(_ text: RawSpan, _ start: Int, _ wanted: CharacterClass) -> Int {
        var at = start
        while at < text.byteCount {
            let (found, count) = classes.scalar(text, at)
            if found.isDisjoint(with: wanted) { break }
            at += count
        }
        return at
    }

    /// `\p{N}{1,3}`, the first number known.
    @inline(__always)
    func numbers(_ text: RawSpan, _ start: Int, _ first: Int) -> Int {
        var at = start + first
        for _ in 1..<3 {
            guard at < text.byteCount else { break }
            let (found, count) = classes.scalar(text, at)
            guard found.contains(.number) else { break }
            at += count
        }
        return at
    }

    /// ` ?[^\s\p{L}\p{N}]+` and the line breaks behind it, and slashes among those; nil where no symbol comes.
    @inline(__always)
    func symbols(_ text: RawSpan, _ start: Int, slashes: Bool) -> Int? {
        let first = text.byte(start) == UInt8(ascii: " ") ? start + 1 : start
        var at = first
        while at < text.byteCount {
            let (found, count) = classes.scalar(text, at)
            guard found.isSymbol else { break }
            at += count
        }
        guard at > first else { return nil }
        while at < text.byteCount {
            let byte = text.byte(at)
            guard byte == 0x0A || byte == 0x0D || (slashes && byte == UInt8(ascii: "/")) else { break }
            at += 1
        }
        return at
    }

    /// The rules for white space, `start` being some. A run that has line breaks is taken up to its last one; else all but
    /// the last space, which goes with what follows; at the end of the text all of it.
    ///
    /// - Parameter endFirst: Whether a run that ends the text is taken whole even if it has line breaks.
    func spaces(_ text: RawSpan, _ start: Int, endFirst: Bool) -> Int {
        var at = start
        var last = start
        var lineEnd: Int?
        while at < text.byteCount {
            let (found, count) = classes.scalar(text, at)
            guard found.contains(.space) else { break }
            last = at
            at += count
            if found.contains(.lineBreak) { lineEnd = at }
        }
        if endFirst, at == text.byteCount { return at }
        if let lineEnd { return lineEnd }
        if at == text.byteCount || last == start { return at }
        return last
    }

    /// `(?i:'s|'t|'re|'ve|'m|'ll|'d)`: behind it, or nil. Case folding makes the long s an s as well.
    @inline(__always)
    func contraction(_ text: RawSpan, _ start: Int) -> Int? {
        guard start + 1 < text.byteCount, text.byte(start) == UInt8(ascii: "'") else { return nil }
        let first = text.byte(start + 1)
        switch first | 0x20 {
        case UInt8(ascii: "s") where first < 0x80, UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return start + 2
        default: break
        }
        guard start + 2 < text.byteCount else { return nil }
        let second = text.byte(start + 2)
        if first == 0xC5, second == 0xBF { return start + 3 }
        switch (first | 0x20, second | 0x20) {
        case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
            (UInt8(ascii: "l"), UInt8(ascii: "l")):
            return start + 3
        default: return nil
        }
    }
}
