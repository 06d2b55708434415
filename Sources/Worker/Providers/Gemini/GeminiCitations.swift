internal import JSON
internal import OpenAIAPI

/// Turns what the model cites into OpenAI's annotations.
enum GeminiCitations {
    /// More than anybody shows.
    private static let most = 512

    /// A list of annotations; nil where nothing is cited.
    static func annotations(_ candidate: JSONValue) -> JSONFragment? {
        var writer = JSONWriter()
        var count = 0
        writer.beginArray()
        if let sources = candidate["citationMetadata"]?["citationSources"] {
            for source in sources.elements.prefix(most) {
                guard let url = source["uri"], url.isString else { continue }
                write(url, title: source["title"], source, to: &writer)
                count += 1
            }
        }
        if let grounding = candidate.present("groundingMetadata") { writeGrounding(grounding, &count, to: &writer) }
        writer.endArray()
        return count > 0 ? .bytes(writer.take()) : nil
    }

    /// Pages that a search found, and the stretches of text that rest on them.
    private static func writeGrounding(_ grounding: JSONValue, _ count: inout Int, to writer: inout JSONWriter) {
        let chunks = grounding["groundingChunks"].map { $0.elements.prefix(most).map { $0["web"] } } ?? []
        let supports = grounding["groundingSupports"].map { Array($0.elements.prefix(most)) } ?? []
        for support in supports {
            for index in support["groundingChunkIndices"]?.elements.prefix(16).compactMap({ $0.int }) ?? [] {
                guard chunks.indices.contains(index), let url = chunks[index]?["uri"], url.isString, count < most else {
                    continue
                }
                write(url, title: chunks[index]?["title"], support["segment"], to: &writer)
                count += 1
            }
        }
        guard supports.isEmpty else { return }
        for chunk in chunks {
            guard let url = chunk?["uri"], url.isString else { continue }
            write(url, title: chunk?["title"], nil, to: &writer)
            count += 1
        }
    }

    private static func write(_ url: JSONValue, title: JSONValue?, _ span: JSONValue?, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("type", "url_citation")
        writer.key("url_citation")
        writer.beginObject()
        writer.member("start_index", max(0, span?["startIndex"]?.int ?? 0))
        writer.member("end_index", max(0, span?["endIndex"]?.int ?? 0))
        writer.key("url")
        writer.value(url)
        writer.key("title")
        if let title, title.isString { writer.value(title) } else { writer.string("") }
        writer.endObject()
        writer.endObject()
    }
}
