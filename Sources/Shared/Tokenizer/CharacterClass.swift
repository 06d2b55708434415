internal import CVocabularies

/// What the splitting rules distinguish, as bits. The names in parentheses are Unicode's general categories.
struct CharacterClass: OptionSet {
    let rawValue: UInt8

    /// May stand in the upper part of a word (Lu, Lt, Lm, Lo, M).
    static let upper = CharacterClass(rawValue: 1)
    /// May stand in the lower part of a word (Ll, Lm, Lo, M).
    static let lower = CharacterClass(rawValue: 2)
    /// L; a mark is none.
    static let letter = CharacterClass(rawValue: 4)
    /// N
    static let number = CharacterClass(rawValue: 8)
    static let space = CharacterClass(rawValue: 16)
    /// A carriage return or line feed; both are spaces, too.
    static let lineBreak = CharacterClass(rawValue: 32)

    /// Neither space, letter nor number: what the rules call punctuation.
    @inline(__always)
    var isSymbol: Bool { isDisjoint(with: [.space, .letter, .number]) }
}

/// The class of every scalar, in blocks of 128 that are shared where they are equal.
@safe
struct CharacterClasses {
    private static let blocks = 0x110000 / 128
    private let index: UnsafePointer<UInt16>
    private let classes: UnsafePointer<UInt8>

    init() {
        let table = unsafe cvocabularies_classes()
        unsafe index = UnsafeRawPointer(table.start).assumingMemoryBound(to: UInt16.self)
        unsafe classes = table.start + Self.blocks * 2
    }

    /// The class of the scalar at `at`, and its length. What is no UTF-8 is a symbol of one byte, so a scanner always gets
    /// on; texts are repaired before they are scanned.
    @inline(__always)
    func scalar(_ text: RawSpan, _ at: Int) -> (class: CharacterClass, count: Int) {
        let first = UInt32(text.byte(at))
        if first < 0x80 { return (ofBlock(0, first), 1) }
        let left = text.byteCount - at
        if first < 0xE0 {
            guard left >= 2 else { return ([], 1) }
            return (of((first & 0x1F) << 6 | part(text, at + 1)), 2)
        }
        if first < 0xF0 {
            guard left >= 3 else { return ([], 1) }
            return (of((first & 0x0F) << 12 | part(text, at + 1) << 6 | part(text, at + 2)), 3)
        }
        guard left >= 4 else { return ([], 1) }
        let high = (first & 0x07) << 18 | part(text, at + 1) << 12
        return (of(high | part(text, at + 2) << 6 | part(text, at + 3)), 4)
    }

    @inline(__always)
    private func part(_ text: RawSpan, _ at: Int) -> UInt32 { UInt32(text.byte(at)) & 0x3F }

    @inline(__always)
    private func of(_ scalar: UInt32) -> CharacterClass {
        guard scalar < 0x110000 else { return [] }
        return ofBlock(unsafe Int(index[Int(scalar >> 7)]), scalar & 127)
    }

    @inline(__always)
    private func ofBlock(_ block: Int, _ place: UInt32) -> CharacterClass {
        CharacterClass(rawValue: unsafe classes[block * 128 + Int(place)])
    }
}
