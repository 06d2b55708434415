package import Core
internal import JSON
internal import OpenAIAPI

/// OpenAI's Responses, spoken by a client.
package struct ResponsesDialect: Dialect {
    private let object: ResponseObject
    private let history: [UInt8]?

    /// `id` names the response; `history` is the record of the one it goes on from.
    package init(_ request: ResponsesRequest, id: String, created: Int, history: [UInt8]?) {
        object = ResponseObject(
            id: "resp_" + id,
            model: request.document.root["model"]?.string ?? "",
            created: created,
            document: request.document,
            stores: request.stores
        )
        self.history = history
    }

    package func makeStreamWriter() -> any DialectStreamWriter { ResponsesStream(object) }

    package func answer(_ completion: [UInt8]) throws(GatewayError) -> [UInt8] {
        guard let root = try? JSONDocument(parsing: completion).root, let choice = root["choices"]?[0],
            let message = choice["message"]
        else {
            throw GatewayError(.upstreamInvalid, "The upstream's answer is not what was asked for.", source: .upstream)
        }
        let finish = choice["finish_reason"]?.string
        var writer = JSONWriter()
        object.write(
            ResponseObject.status(finish),
            output: items(message),
            finish: finish,
            usage: TokenUsage(root["usage"]) ?? TokenUsage(),
            to: &writer
        )
        return writer.take()
    }

    package func record(of answer: [UInt8]) -> StoredAnswer? {
        guard object.stores else { return nil }
        return ResponsesRecord.make(object, answer: answer, history: history)
    }

    private func items(_ message: JSONValue) -> [OutputItem] {
        let name = object.id.dropFirst(5)
        var items: [OutputItem] = []
        let thoughts = message.present("thinking_blocks")
        if let reasoning = message.present("reasoning_content")?.string, !reasoning.isEmpty || thoughts != nil {
            var item = OutputItem(id: "rs_\(name)_0", kind: .reasoning, text: reasoning)
            item.sealed = thoughts.map { ResponsesReasoning.seal(.slice($0.raw)) }
            items.append(item)
        }
        if let text = message.present("content")?.string, !text.isEmpty {
            var item = OutputItem(id: "msg_\(name)_\(items.count)", kind: .message, text: text)
            item.annotations = message.present("annotations").map { Array($0.raw) }
            items.append(item)
        }
        if let refusal = message.present("refusal")?.string, !refusal.isEmpty {
            items.append(OutputItem(id: "msg_\(name)_\(items.count)", kind: .refusal, text: refusal))
        }
        for call in message.present("tool_calls")?.elements.map({ $0 }) ?? [] {
            let function = call["function"]
            let kind = OutputItem.Kind.call(id: call["id"]?.string ?? "", name: function?["name"]?.string ?? "")
            let arguments = function?["arguments"]?.string ?? "{}"
            items.append(OutputItem(id: "fc_\(name)_\(items.count)", kind: kind, text: arguments))
        }
        return items
    }
}
