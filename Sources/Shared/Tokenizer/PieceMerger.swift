/// Turns one piece of a text into tokens: of all neighbours that together are a token, the pair with the lowest rank is
/// merged, the leftmost of equals, until none is left.
///
/// Short pieces look for the lowest rank by going through all; long ones keep a heap, so that n bytes take n log n.
struct PieceMerger {
    let vocabulary: Vocabulary
    /// From here on the heap is cheaper.
    private static let short = 1 << Int(placeBits) - 1
    private static let placeBits: Int32 = 7
    /// Above every rank, which have 18 bits.
    private static let unmerged: Int32 = 1 << 30
    private static let none = UInt32.max

    /// Of a short piece: above, the rank of each part with the one behind it; in the lowest bits, where it begins. Numbers of
    /// 32 bits because the lowest of them is what merging looks for most.
    private var parts = [Int32](repeating: 0, count: short + 1)
    /// Of a long piece, by where a part begins.
    private var ranks: [UInt32] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap = RankHeap()

    init(_ vocabulary: Vocabulary) { self.vocabulary = vocabulary }

    /// Hands over the tokens of the piece in their order.
    @inline(__always)
    mutating func merge(_ text: RawSpan, _ start: Int, _ count: Int, _ take: (UInt32) -> Void) {
        if let token = vocabulary.token(text, start, count) {
            take(token)
        } else if count <= Self.short {
            let left = mergeShort(text, start, count)
            for part in 0..<left {
                let begin = Self.place(parts[part])
                give(text, start + begin, Self.place(parts[part + 1]) - begin, take)
            }
        } else {
            mergeLong(text, start, count)
            var part = 0
            while part < count {
                let end = Int(next[part])
                give(text, start + part, end - part, take)
                part = end
            }
        }
    }

    private func give(_ text: RawSpan, _ start: Int, _ count: Int, _ take: (UInt32) -> Void) {
        // Every byte is a token, and so is whatever was merged.
        guard let token = vocabulary.token(text, start, count) else { return }
        take(token)
    }

    @inline(__always)
    private func rank(_ text: RawSpan, _ start: Int, _ end: Int) -> UInt32 {
        vocabulary.token(text, start, end - start) ?? Self.none
    }

    /// Leaves the parts in `parts`, and an end behind them; says how many there are.
    private mutating func mergeShort(_ text: RawSpan, _ start: Int, _ count: Int) -> Int {
        let vocabulary = vocabulary
        return unsafe parts.withUnsafeMutableBufferPointer { parts in
            for at in 0..<count - 1 {
                unsafe parts[at] = Self.part(vocabulary.token(text, start + at, 2), at)
            }
            unsafe parts[count - 1] = Self.part(nil, count - 1)
            unsafe parts[count] = Self.part(nil, count)
            var left = count
            while true {
                // The lowest number is the leftmost of the lowest rank.
                var lowest = Int32.max
                for part in 0..<left { lowest = unsafe min(lowest, parts[part]) }
                if lowest >= Self.unmerged { return left }
                var at = 0
                while unsafe parts[at] != lowest { at += 1 }
                for part in at + 1..<left { unsafe parts[part] = parts[part + 1] }
                left -= 1
                for part in max(at - 1, 0)...at {
                    let begin = unsafe Self.place(parts[part])
                    var token: UInt32?
                    if part + 1 < left {
                        token = unsafe vocabulary.token(text, start + begin, Self.place(parts[part + 2]) - begin)
                    }
                    unsafe parts[part] = Self.part(token, begin)
                }
            }
        }
    }

    @inline(__always)
    private static func part(_ rank: UInt32?, _ place: Int) -> Int32 {
        (rank.map { Int32(truncatingIfNeeded: $0) << placeBits } ?? unmerged) | Int32(truncatingIfNeeded: place)
    }

    @inline(__always)
    private static func place(_ part: Int32) -> Int { Int(part & (1 << placeBits - 1)) }

    /// Parts are known by where they begin; `next` and `previous` link those that are left.
    private mutating func mergeLong(_ text: RawSpan, _ start: Int, _ count: Int) {
        next = (0..<Int32(count)).map { $0 + 1 }
        previous = (0..<Int32(count)).map { $0 - 1 }
        ranks = (0..<count).map { $0 + 2 <= count ? rank(text, start + $0, start + $0 + 2) : Self.none }
        heap.fill(ranks)
        while let (lowest, part) = heap.popLowest() {
            // What has become of the pair since is told by its rank.
            guard ranks[part] == lowest else { continue }
            let gone = Int(next[part])
            let end = next[gone]
            next[part] = end
            ranks[gone] = Self.none
            if end < count { previous[Int(end)] = Int32(part) }
            rerank(text, start, part, count)
            if previous[part] >= 0 { rerank(text, start, Int(previous[part]), count) }
        }
        // A piece may be a whole request; what it took is not kept for the next.
        ranks = []
        previous = []
    }

    private mutating func rerank(_ text: RawSpan, _ start: Int, _ part: Int, _ count: Int) {
        let middle = Int(next[part])
        ranks[part] = middle < count ? rank(text, start + part, start + Int(next[middle])) : Self.none
        if ranks[part] != Self.none { heap.push(ranks[part], part) }
    }
}
