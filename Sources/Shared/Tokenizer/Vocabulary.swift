internal import CVocabularies

/// The tokens of one encoding, as the program's own constants: a hash table from bytes to token, and each token's bytes.
///
/// Nothing is loaded: a page of it is read when it is first used. The table is made by `scripts/make-vocabularies`, so its
/// numbers are trusted; what comes from outside, a token's number or a text, is checked.
@safe
struct Vocabulary {
    /// How many tokens there are.
    let count: Int
    /// The bytes of the longest token.
    let longest: Int
    private let capacity: Int
    /// A bit for each hash's upper bits, set where a token has them. It fits a processor's nearer caches, which the slots do
    /// not, and nine of ten strings that are no tokens end here.
    private let filter: UnsafePointer<UInt32>
    private let filterShift: UInt64
    private let slots: UnsafePointer<UInt32>
    private let ends: UnsafePointer<UInt32>
    private let bytes: UnsafePointer<UInt8>

    /// A slot is a token's number, and above it as much of its hash as there is room for: most of what is looked up is no
    /// token, and this finds it out without looking at any bytes.
    private static let numberBits: UInt32 = 18
    private static let empty = UInt32.max

    init(_ table: cvocabularies_table) {
        // The words are aligned in the file, and the C side aligns the file.
        let words = unsafe UnsafeRawPointer(table.start).assumingMemoryBound(to: UInt32.self)
        count = unsafe Int(words[0])
        capacity = unsafe Int(words[1])
        longest = unsafe Int(words[2])
        let filterBits = unsafe Int(words[3])
        filterShift = UInt64(64 - filterBits)
        unsafe filter = words + 4
        unsafe slots = filter + (1 << filterBits) / 32
        unsafe ends = slots + capacity
        unsafe bytes = UnsafeRawPointer(ends + count + 1).assumingMemoryBound(to: UInt8.self)
    }

    /// The token that reads as `count` bytes of `text` do, if there is one. A token's number is its rank, too.
    @inline(__always)
    func token(_ text: RawSpan, _ start: Int, _ count: Int) -> UInt32? {
        guard count <= longest else { return nil }
        let hash = TokenHash.hash(text, start, count)
        let bit = Int(hash >> filterShift)
        if unsafe filter[bit >> 5] >> UInt32(bit & 31) & 1 == 0 { return nil }
        let mark = UInt32(truncatingIfNeeded: hash) & 0x3FFF
        var at = Int(hash.multipliedFullWidth(by: UInt64(capacity)).high)
        while true {
            let slot = unsafe slots[at]
            if slot == Self.empty { return nil }
            if slot >> Self.numberBits == mark {
                let token = slot & (1 << Self.numberBits - 1)
                if reads(Int(token), text, start, count) { return token }
            }
            at += 1
            if at == capacity { at = 0 }
        }
    }

    @inline(__always)
    private func reads(_ token: Int, _ text: RawSpan, _ start: Int, _ count: Int) -> Bool {
        let first = unsafe Int(ends[token])
        guard unsafe Int(ends[token + 1]) - first == count else { return false }
        var at = 0
        while at + 8 <= count {
            let mine = unsafe UnsafeRawPointer(bytes + first + at).loadUnaligned(as: UInt64.self)
            let asked = unsafe text.unsafeLoadUnaligned(fromByteOffset: start + at, as: UInt64.self)
            if mine != asked { return false }
            at += 8
        }
        while at < count {
            if unsafe bytes[first + at] != text.byte(start + at) { return false }
            at += 1
        }
        return true
    }

    /// Appends what a token stands for; false where there is no such token.
    func append(_ token: Int, to text: inout [UInt8]) -> Bool {
        guard token >= 0, token < count else { return false }
        let range = unsafe Int(ends[token])..<Int(ends[token + 1])
        unsafe text.append(contentsOf: UnsafeBufferPointer(start: bytes + range.lowerBound, count: range.count))
        return true
    }
}
