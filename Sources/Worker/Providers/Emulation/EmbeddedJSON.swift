internal import JSON

/// The JSON values in an answer that may have text or a fence around them, the likeliest first.
enum EmbeddedJSON {
    /// So many brackets are looked at: an answer in which none of them begins a value has none.
    private static let attempts = 64
    /// How far all of them together are followed, in bytes.
    private static let reach = 4 << 20

    static func values(in answer: [UInt8]) -> [JSONValue] {
        if let whole = try? JSONDocument(parsing: Array(Blank.trimmed(answer[...]))) { return [whole.root] }
        var values: [JSONValue] = []
        var place = 0
        var left = attempts
        var budget = reach
        while left > 0, budget > 0,
            let start = answer[place...].firstIndex(where: { $0 == UInt8(ascii: "{") || $0 == UInt8(ascii: "[") })
        {
            left -= 1
            if let end = end(ofValueAt: start, in: answer, &budget),
                let document = try? JSONDocument(parsing: Array(answer[start..<end]))
            {
                values.append(document.root)
                place = end
            } else {
                place = start + 1
            }
        }
        // "See [1]: {…}" is about the object.
        return values.filter(\.isObject) + values.filter { !$0.isObject }
    }

    private static func end(ofValueAt start: Int, in bytes: [UInt8], _ budget: inout Int) -> Int? {
        var scanner = ArgumentScanner()
        for place in start..<bytes.count where budget > 0 {
            budget -= 1
            switch scanner.take(bytes[place]) {
            case .complete: return place + 1
            case .invalid: return nil
            case .more, .stringEnded: continue
            }
        }
        return nil
    }
}
