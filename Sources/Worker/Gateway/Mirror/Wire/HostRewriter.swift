import Core

/// Puts this service's address where a text names the site's, however the text was cut on its way.
struct HostRewriter {
    private let origins: [[UInt8]]
    private let own: [UInt8]
    /// What may be the beginning of an origin, or lacks the byte behind it that tells.
    private var held: [UInt8] = []
    private let reach: Int

    /// With an empty `own`, addresses lose their origin and lead to wherever the text came from.
    init(origins: [String], own: String) {
        self.origins = origins.map { Array($0.utf8) }
        self.own = Array(own.utf8)
        reach = (self.origins.map(\.count).max() ?? 0) + 1
    }

    mutating func rewrite(_ bytes: UnsafeRawBufferPointer, into output: inout ByteBuffer) {
        unsafe held.append(contentsOf: bytes)
        go(upTo: held.count - reach, into: &output)
    }

    /// The text is over.
    mutating func finish(into output: inout ByteBuffer) {
        go(upTo: held.count, into: &output)
    }

    private mutating func go(upTo limit: Int, into output: inout ByteBuffer) {
        var place = 0
        var copied = 0
        while place < limit {
            if held[place] == UInt8(ascii: "h"), let length = originLength(at: place) {
                output.append(copying: held[copied..<place])
                output.append(copying: own[...])
                place += length
                copied = place
            } else {
                place += 1
            }
        }
        output.append(copying: held[copied..<max(copied, place)])
        held.removeFirst(place)
    }

    private func originLength(at place: Int) -> Int? {
        for origin in origins where held[place...].starts(with: origin) {
            let end = place + origin.count
            // `https://chatgpt.com.example` is somebody else, and so is what has a port or a user.
            if end == held.count || !continuesHost(held[end]) { return origin.count }
        }
        return nil
    }

    private func continuesHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
            UInt8(ascii: "@"):
            true
        default: false
        }
    }

    /// The address in a `Location`.
    static func location(_ value: String, origins: [String], own: String) -> String {
        var rewriter = HostRewriter(origins: origins, own: own)
        var output = ByteBuffer()
        guard origins.contains(where: { value.hasPrefix($0) }) else { return value }
        unsafe Array(value.utf8).withUnsafeBytes { unsafe rewriter.rewrite($0, into: &output) }
        rewriter.finish(into: &output)
        return output.readable.text
    }
}
