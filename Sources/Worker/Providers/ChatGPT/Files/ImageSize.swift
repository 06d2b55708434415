/// Width and height of a picture, from its first bytes.
struct ImageSize: Sendable, Equatable {
    var width: Int
    var height: Int

    /// Nothing where the content is no picture that is understood.
    init?(_ content: [UInt8]) {
        let size: (Int, Int)? =
            if content.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
                Self.big(content, 16, 4).flatMap { width in Self.big(content, 20, 4).map { (width, $0) } }
            } else if content.starts(with: "GIF8".utf8) {
                Self.little(content, 6, 2).flatMap { width in Self.little(content, 8, 2).map { (width, $0) } }
            } else if content.starts(with: [0xFF, 0xD8]) {
                Self.jpeg(content)
            } else if content.starts(with: "RIFF".utf8), content.dropFirst(8).starts(with: "WEBP".utf8) {
                Self.webp(content)
            } else {
                nil
            }
        guard let size, size.0 > 0, size.1 > 0 else { return nil }
        (width, height) = size
    }

    /// The frame header stands behind segments of any number, each with its length.
    private static func jpeg(_ content: [UInt8]) -> (Int, Int)? {
        var place = 2
        while place + 9 < content.count {
            guard content[place] == 0xFF else { return nil }
            let marker = content[place + 1]
            if marker == 0xFF {
                place += 1
                continue
            }
            // Those that begin a frame, but for the three numbers among them that mean something else.
            if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                guard let height = big(content, place + 5, 2), let width = big(content, place + 7, 2) else {
                    return nil
                }
                return (width, height)
            }
            guard let length = big(content, place + 2, 2), length >= 2 else { return nil }
            place += 2 + length
        }
        return nil
    }

    private static func webp(_ content: [UInt8]) -> (Int, Int)? {
        let kind = content.dropFirst(12).prefix(4)
        if kind.elementsEqual("VP8X".utf8) {
            return little(content, 24, 3).flatMap { width in little(content, 27, 3).map { (width + 1, $0 + 1) } }
        }
        if kind.elementsEqual("VP8L".utf8) {
            return little(content, 21, 4).map { (($0 & 0x3FFF) + 1, ($0 >> 14 & 0x3FFF) + 1) }
        }
        guard kind.elementsEqual("VP8 ".utf8) else { return nil }
        return little(content, 26, 2).flatMap { width in
            little(content, 28, 2).map { (width & 0x3FFF, $0 & 0x3FFF) }
        }
    }

    private static func big(_ content: [UInt8], _ start: Int, _ count: Int) -> Int? {
        guard start + count <= content.count else { return nil }
        return content[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
    }

    private static func little(_ content: [UInt8], _ start: Int, _ count: Int) -> Int? {
        guard start + count <= content.count else { return nil }
        return content[start..<start + count].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
