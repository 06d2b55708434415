internal import Core
internal import JSON
internal import OpenAIAPI

/// Looks after what a request says that its upstream has no word for.
enum Parameters {
    /// What every provider of another dialect understands, or what asks nothing of the upstream.
    private static let common: [StaticString] = [
        "model", "messages", "stream", "stream_options", "user", "metadata", "store", "safety_identifier",
        "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention",
    ]

    /// Refuses every member of the request that is neither common, nor among `known`, nor neutral: what asks for nothing but
    /// the default needs no support. Clients send many of these out of habit.
    static func check(_ job: Job, known: [StaticString], provider: String) throws(GatewayError) {
        if job.dropsUnsupported { return }
        try check(job.request, known: known, provider: provider)
    }

    static func check(
        _ request: ModelRequest,
        known: [StaticString],
        provider: String
    ) throws(GatewayError) {
        for (key, value) in request.document.root.members {
            if isNeutral(value) || common.contains(where: { key.equals($0) })
                || known.contains(where: { key.equals($0) })
            {
                continue
            }
            if key.equals("n"), value.int == 1 { continue }
            if request.dispensable.contains(where: { key.equals($0) }) { continue }
            let name = String((key.string ?? "").prefix(100))
            throw .notHere(name, "\(provider) has nothing that corresponds to '\(name)'.")
        }
    }

    static func isNeutral(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .null: true
        case .bool: value.bool == false
        case .number: value.double == 0
        case .string: value.isEmptyString
        case .array, .object: value.count == 0
        }
    }
}
