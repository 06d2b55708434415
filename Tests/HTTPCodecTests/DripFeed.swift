import Testing

/// Feeds a decoder the same bytes whole, cut in two at every position and one byte at a time, and holds it to one
/// answer. `decode` gets the pieces in order and returns all it made of them.
func decodeEverySplit<Output: Equatable>(
    _ input: [UInt8],
    sourceLocation: SourceLocation = #_sourceLocation,
    _ decode: ([ArraySlice<UInt8>]) -> Output
) -> Output {
    let whole = decode([input[...]])
    for place in input.indices {
        let split = decode([input[..<place], input[place...]])
        guard split == whole else {
            Issue.record("cut before byte \(place): \(split), whole: \(whole)", sourceLocation: sourceLocation)
            return whole
        }
    }
    let drip = decode(input.indices.map { input[$0...$0] })
    if drip != whole { Issue.record("byte by byte: \(drip), whole: \(whole)", sourceLocation: sourceLocation) }
    return whole
}

/// A small generator with a fixed seed, so that a failing property fails again.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Cuts `input` into pieces of random sizes.
func randomPieces(_ input: [UInt8], using generator: inout SeededGenerator) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < input.count {
        let end = min(input.count, start + Int.random(in: 1...max(1, input.count / 3), using: &generator))
        pieces.append(input[start..<end])
        start = end
    }
    return pieces
}
