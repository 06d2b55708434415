/// Makes libFuzzer's input an array, with a place to cut it at that follows from the bytes: so that seeds stay plain
/// requests and streams, readable and usable elsewhere.
struct FuzzInput {
    let bytes: [UInt8]
    let cut: Int

    init(_ data: UnsafePointer<UInt8>, _ size: Int) {
        bytes = unsafe Array(UnsafeBufferPointer(start: data, count: size))
        var mixed: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { mixed = (mixed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        cut = Int(mixed >> 11) % (size + 1)
    }

    /// The input in one piece, in two, and byte by byte; long ones in small steps, for the fuzzer lives on speed.
    var waysToFeed: [[ArraySlice<UInt8>]] {
        let step = 1 + bytes.count / 256
        let drip = stride(from: 0, to: bytes.count, by: step).map { bytes[$0..<min($0 + step, bytes.count)] }
        return [[bytes[...]], [bytes[..<cut], bytes[cut...]], drip]
    }

    /// Stops the fuzzer unless every way of feeding leads to the same result.
    func check<Result: Equatable>(_ decode: ([ArraySlice<UInt8>]) -> Result) {
        let results = waysToFeed.map(decode)
        guard results[0] == results[1] else { fatalError("cut at \(cut): \(results[1]), whole: \(results[0])") }
        guard results[0] == results[2] else { fatalError("byte by byte: \(results[2]), whole: \(results[0])") }
    }
}
