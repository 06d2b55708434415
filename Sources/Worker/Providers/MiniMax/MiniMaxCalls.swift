internal import JSON

/// The calls of one stream, one after the other. Pieces of a call may repeat what it is called; its index need not begin
/// at nought, and a new id under an old index is a new call.
struct MiniMaxCalls {
    enum Step {
        /// `unfilled` is the call before, if it has got no arguments at all.
        case begins(Int, id: String, name: String, unfilled: Int?)
        case continues(Int)
        case invalid
    }

    /// No model calls more at once; a broken one may never stop.
    private static let most = 4096

    private var ids = MiniMaxCallIDs()
    private var vendorIndex: Int?
    private var vendorID = ""
    private var isFilled = true
    private(set) var count = 0
    /// The id of the first one.
    private(set) var first: String?

    mutating func take(_ value: JSONValue) -> Step {
        let index = value["index"]?.int
        let id = value["id"]?.string ?? ""
        let name = value["function"]?["name"]?.string ?? ""
        let hasIndex = index == nil || vendorIndex == nil || index == vendorIndex
        if count > 0, hasIndex, id.isEmpty || id == vendorID { return .continues(count - 1) }
        guard count < Self.most, !name.isEmpty else { return .invalid }
        let unfilled = close()
        (vendorIndex, vendorID, isFilled) = (index, id, false)
        count += 1
        let given = ids.id(id)
        if first == nil { first = given }
        return .begins(count - 1, id: given, name: name, unfilled: unfilled)
    }

    /// The current call has got arguments.
    mutating func fill() { isFilled = true }

    /// The current call gets no more; its place, if it has got nothing.
    mutating func close() -> Int? {
        defer { isFilled = true }
        return isFilled || count == 0 ? nil : count - 1
    }
}

/// Ids of one answer's calls, each once.
struct MiniMaxCallIDs {
    private var used: Set<String> = []

    mutating func id(_ given: String?) -> String {
        var id = given ?? ""
        if id.isEmpty || id.utf8.count > 128 || used.contains(id) {
            id = "call_" + String(UInt64.random(in: 0 ... .max), radix: 16)
        }
        used.insert(id)
        return id
    }
}
