internal import JSON
internal import OpenAIAPI

/// Writes the vendor's citations as OpenAI's annotations.
enum AnthropicCitations {
    /// `range` is the part of the answer's text that rests on it, in characters, where that is known.
    static func write(_ citation: JSONValue, _ range: Range<Int>?, to writer: inout JSONWriter) {
        writer.beginObject()
        if let url = citation.present("url") ?? source(citation), url.isString {
            writer.member("type", "url_citation")
            writer.key("url_citation")
            writer.beginObject()
            writer.key("url")
            writer.value(url)
            if let title = citation.present("title"), title.isString {
                writer.key("title")
                writer.value(title)
            }
            if let range {
                writer.member("start_index", range.lowerBound)
                writer.member("end_index", range.upperBound)
            }
            writer.endObject()
        } else {
            // Places in documents of the request have no word in the dialect.
            writer.member("type", "citation")
        }
        writer.key("citation")
        writer.value(citation)
        writer.endObject()
    }

    /// Search results name their source, which may be an address.
    private static func source(_ citation: JSONValue) -> JSONValue? {
        guard let source = citation.present("source"), let text = source.string, AnthropicContent.isAddress(text) else {
            return nil
        }
        return source
    }
}
