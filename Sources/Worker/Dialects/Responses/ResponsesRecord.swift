internal import JSON

/// What is kept of a response: what was shown of it, and all items of the conversation up to and with its own.
package enum ResponsesRecord {
    static func make(_ object: ResponseObject, answer: [UInt8], history: [UInt8]?) -> StoredAnswer? {
        guard let response = try? JSONDocument(parsing: answer).root else { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("response", response)
            writer.array("input") { write(input: object.document.root["input"], to: &$0) }
            writer.array("items") { writer in
                if let history, let before = try? JSONDocument(parsing: history).root {
                    for item in before["items"]?.elements.map({ $0 }) ?? [] { writer.value(item) }
                }
                write(input: object.document.root["input"], to: &writer)
                for item in response["output"]?.elements.map({ $0 }) ?? [] { writer.value(item) }
            }
        }
        return StoredAnswer(id: object.id, record: writer.take())
    }

    private static func write(input: JSONValue?, to writer: inout JSONWriter) {
        guard let input else { return }
        if let text = input.string {
            writer.object { writer in
                writer.member("type", "message")
                writer.member("role", "user")
                writer.array("content") { writer in
                    writer.object { writer in
                        writer.member("type", "input_text")
                        writer.member("text", text)
                    }
                }
            }
            return
        }
        for item in input.elements { writer.value(item) }
    }

    /// The response as it was shown.
    package static func response(_ record: [UInt8]) -> [UInt8]? {
        guard let root = try? JSONDocument(parsing: record).root, let response = root["response"] else { return nil }
        return Array(response.raw)
    }

    /// The items that came with the request of a response, as a list of the API's kind.
    package static func inputItems(_ record: [UInt8], id: String) -> [UInt8]? {
        guard let root = try? JSONDocument(parsing: record).root, let input = root["input"] else { return nil }
        var writer = JSONWriter()
        let items = Array(input.elements)
        writer.object { writer in
            writer.member("object", "list")
            writer.array("data") { writer in
                // Newest first, as the API lists them; an id where the client gave none.
                for (place, item) in items.enumerated().reversed() {
                    writer.object { writer in
                        if item["id"] == nil { writer.member("id", "item_\(id.dropFirst(5))_\(place)") }
                        if item["type"] == nil { writer.member("type", "message") }
                        for (key, value) in item.members {
                            writer.key(key.string ?? "")
                            writer.value(value)
                        }
                    }
                }
            }
            writer.member("has_more", false)
        }
        return writer.take()
    }
}
