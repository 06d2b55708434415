internal import Core
internal import JSON

/// A row of the request log: JSON with short names, nothing for what is empty, so that workers of different versions
/// read each other's rows.
extension LedgerEntry {
    /// Clients choose some of the texts; none takes more room than this.
    private static let textLimit = 160

    var row: [UInt8] {
        var buffer = ByteBuffer()
        buffer.reserve(512)
        var writer = JSONWriter(appendingTo: buffer)
        writer.beginObject()
        writer.member("t", time)
        Self.write("id", requestID, &writer)
        Self.write("k", keyDigest, &writer)
        Self.write("kn", keyName, &writer)
        Self.write("o", owner, &writer)
        Self.write("r", route, &writer)
        Self.write("p", provider, &writer)
        Self.write("m", model, &writer)
        Self.write("um", upstreamModel, &writer)
        Self.write("a", account, &writer)
        writer.member("s", status)
        Self.write("e", end, &writer)
        Self.write("er", error, &writer)
        Self.write("st", isStream ? 1 : 0, &writer)
        writer.member("ms", durationMS)
        if let firstByteMS { writer.member("fb", firstByteMS) }
        Self.write("n", upstreamCalls, &writer)
        Self.write("c", chunks, &writer)
        if let usage {
            writer.member("pt", usage.prompt)
            writer.member("ct", usage.completion)
            Self.write("ch", usage.cached, &writer)
            Self.write("cw", usage.cacheWrite, &writer)
            Self.write("rs", usage.reasoning, &writer)
        }
        if let cost { writer.member("x", cost) }
        Self.write("es", isEstimated ? 1 : 0, &writer)
        writer.endObject()
        return writer.take()
    }

    /// Reads a row; nothing when it is none.
    init?(row: [UInt8]) {
        guard let root = try? JSONDocument(parsing: row).root, let time = root["t"]?.int, let status = root["s"]?.int
        else { return nil }
        self.init(
            requestID: root["id"]?.string ?? "",
            time: time,
            keyDigest: root["k"]?.string ?? "",
            keyName: root["kn"]?.string ?? "",
            owner: root["o"]?.string ?? "",
            route: root["r"]?.string ?? "",
            provider: root["p"]?.string ?? "",
            model: root["m"]?.string ?? "",
            upstreamModel: root["um"]?.string ?? "",
            account: root["a"]?.string ?? "",
            status: status,
            end: root["e"]?.string ?? "",
            error: root["er"]?.string ?? "",
            isStream: root["st"]?.int == 1,
            durationMS: root["ms"]?.int ?? 0,
            firstByteMS: root["fb"]?.int,
            upstreamCalls: root["n"]?.int ?? 0,
            chunks: root["c"]?.int ?? 0,
            usage: Self.usage(root),
            cost: root["x"]?.int,
            isEstimated: root["es"]?.int == 1
        )
    }

    private static func usage(_ root: JSONValue) -> TokenUsage? {
        guard let prompt = root["pt"]?.int, let completion = root["ct"]?.int else { return nil }
        return TokenUsage(
            prompt: prompt,
            completion: completion,
            cached: root["ch"]?.int ?? 0,
            cacheWrite: root["cw"]?.int ?? 0,
            reasoning: root["rs"]?.int ?? 0
        )
    }

    private static func write(_ name: StaticString, _ text: String, _ writer: inout JSONWriter) {
        guard !text.isEmpty else { return }
        writer.member(name, text.clipped(to: textLimit))
    }

    private static func write(_ name: StaticString, _ number: Int, _ writer: inout JSONWriter) {
        if number != 0 { writer.member(name, number) }
    }
}

extension String {
    /// At most so many bytes of it; what a cut character leaves is replaced.
    func clipped(to limit: Int) -> String {
        utf8.count <= limit ? self : String(decoding: utf8.prefix(limit), as: UTF8.self)
    }
}
