internal import Core
internal import JSON
internal import OpenAIAPI

/// Writes the events of a response: numbered, and with the beginning and the end of everything that has pieces.
struct ResponsesStream: DialectStreamWriter {
    private let object: ResponseObject
    private var number = 0
    private var hasBegun = false
    private var items: [OutputItem] = []
    /// The message or reasoning that is being written.
    private var open: Int?
    /// The items of calls by the index chat gives them; pieces may come in any order.
    private var calls: [Int: Int] = [:]
    private var finish: String?
    private var usage = TokenUsage()
    private(set) var wholeAnswer: [UInt8]?

    init(_ object: ResponseObject) { self.object = object }

    mutating func begin(into output: inout ByteBuffer) {
        guard !hasBegun else { return }
        hasBegun = true
        event("response.created", &output) { [object] writer in
            writer.key("response")
            object.write(.inProgress, to: &writer)
        }
        event("response.in_progress", &output) { [object] writer in
            writer.key("response")
            object.write(.inProgress, to: &writer)
        }
    }

    mutating func receive(_ events: ArraySlice<UInt8>, parser: JSONParser, into output: inout ByteBuffer) {
        for chunk in ChatEvents(events, parser: parser) {
            begin(into: &output)
            if let counted = TokenUsage(chunk["usage"]) { usage = counted }
            guard let choice = chunk["choices"]?[0] else { continue }
            if let delta = choice["delta"] { take(delta, &output) }
            if let reason = choice.present("finish_reason")?.string, !reason.isEmpty { finish = reason }
        }
    }

    private mutating func take(_ delta: JSONValue, _ output: inout ByteBuffer) {
        if let text = delta.present("reasoning_content"), !text.isEmptyString { append(text, .reasoning, &output) }
        if let blocks = delta.present("thinking_blocks"), blocks.count > 0 { seal(blocks, &output) }
        if let text = delta.present("content"), text.isString, !text.isEmptyString { append(text, .message, &output) }
        if let text = delta.present("refusal"), text.isString, !text.isEmptyString { append(text, .refusal, &output) }
        if let annotations = delta.present("annotations"), annotations.count > 0 { annotate(annotations) }
        for call in delta.present("tool_calls")?.elements.map({ $0 }) ?? [] { take(call: call, &output) }
    }

    private mutating func append(_ text: JSONValue, _ kind: OutputItem.Kind, _ output: inout ByteBuffer) {
        let place = begin(kind, &output)
        items[place].text += text.string ?? ""
        let id = items[place].id
        let name: StaticString =
            switch kind {
            case .message: "response.output_text.delta"
            case .refusal: "response.refusal.delta"
            default: "response.reasoning_text.delta"
            }
        event(name, &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", place)
            writer.member("content_index", 0)
            writer.member("delta", text)
            if kind == .message { writer.member("logprobs", .literal("[]")) }
        }
    }

    /// The signed form of what was thought in this item; in a stream the blocks have no text, which is in the item itself.
    private mutating func seal(_ blocks: JSONValue, _ output: inout ByteBuffer) {
        let place = begin(.reasoning, &output)
        var writer = JSONWriter()
        writer.beginArray()
        for block in blocks.elements {
            guard block["type"]?.equals("thinking") == true, block["thinking"]?.isEmptyString ?? true else {
                writer.value(block)
                continue
            }
            writer.object { writer in
                writer.member("type", "thinking")
                writer.member("thinking", items[place].text)
                writer.member("signature", block["signature"]?.string ?? "")
            }
        }
        writer.endArray()
        items[place].sealed = ResponsesReasoning.seal(.bytes(writer.take()))
        close(&output)
    }

    private mutating func annotate(_ annotations: JSONValue) {
        guard let open, items[open].kind == .message else { return }
        var writer = JSONWriter()
        writer.beginArray()
        if let known = items[open].annotations, let before = try? JSONDocument(parsing: known) {
            for annotation in before.root.elements { writer.value(annotation) }
        }
        for annotation in annotations.elements { writer.value(annotation) }
        writer.endArray()
        items[open].annotations = writer.take()
    }

    private mutating func take(call: JSONValue, _ output: inout ByteBuffer) {
        let number = call["index"]?.int ?? 0
        let function = call["function"]
        if calls[number] == nil {
            close(&output)
            let kind = OutputItem.Kind.call(id: call["id"]?.string ?? "", name: function?["name"]?.string ?? "")
            calls[number] = add(kind, "fc", &output)
        }
        guard let place = calls[number], let piece = function?.present("arguments"), !piece.isEmptyString else {
            return
        }
        items[place].text += piece.string ?? ""
        let id = items[place].id
        event("response.function_call_arguments.delta", &output) { writer in
            writer.member("item_id", id)
            writer.member("output_index", place)
            writer.member("delta", piece)
        }
    }

    private mutating func begin(_ kind: OutputItem.Kind, _ output: inout ByteBuffer) -> Int {
        if let open, items[open].kind == kind { return open }
        close(&output)
        let place = add(kind, kind == .reasoning ? "rs" : "msg", &output)
        open = place
        let item = items[place]
        event("response.content_part.added", &output) { writer in
            writer.member("item_id", item.id)
            writer.member("output_index", place)
            writer.member("content_index", 0)
            writer.key("part")
            item.writePart(to: &writer, isEmpty: true)
        }
        return place
    }

    private mutating func add(_ kind: OutputItem.Kind, _ prefix: String, _ output: inout ByteBuffer) -> Int {
        let place = items.count
        let item = OutputItem(id: "\(prefix)_\(object.id.dropFirst(5))_\(place)", kind: kind, isDone: false)
        items.append(item)
        event("response.output_item.added", &output) { writer in
            writer.member("output_index", place)
            writer.key("item")
            item.write(to: &writer)
        }
        return place
    }

    private mutating func close(_ output: inout ByteBuffer) {
        guard let place = open.take() else { return }
        let item = items[place]
        let (name, member): (StaticString, StaticString) =
            switch item.kind {
            case .message: ("response.output_text.done", "text")
            case .refusal: ("response.refusal.done", "refusal")
            default: ("response.reasoning_text.done", "text")
            }
        event(name, &output) { writer in
            writer.member("item_id", item.id)
            writer.member("output_index", place)
            writer.member("content_index", 0)
            writer.member(member, item.text)
            if item.kind == .message { writer.member("logprobs", .literal("[]")) }
        }
        event("response.content_part.done", &output) { writer in
            writer.member("item_id", item.id)
            writer.member("output_index", place)
            writer.member("content_index", 0)
            writer.key("part")
            item.writePart(to: &writer)
        }
        finish(place, &output)
    }

    private mutating func finish(_ place: Int, _ output: inout ByteBuffer) {
        items[place].isDone = true
        let item = items[place]
        event("response.output_item.done", &output) { writer in
            writer.member("output_index", place)
            writer.key("item")
            item.write(to: &writer)
        }
    }

    mutating func end(into output: inout ByteBuffer) {
        begin(into: &output)
        close(&output)
        for place in calls.values.sorted() {
            if items[place].text.isEmpty { items[place].text = "{}" }
            let item = items[place]
            event("response.function_call_arguments.done", &output) { writer in
                writer.member("item_id", item.id)
                writer.member("output_index", place)
                writer.member("arguments", item.text)
            }
            finish(place, &output)
        }
        let status = ResponseObject.status(finish)
        var writer = JSONWriter()
        object.write(status, output: items, finish: finish, usage: usage, to: &writer)
        let whole = writer.take()
        wholeAnswer = whole
        event(status == .completed ? "response.completed" : "response.incomplete", &output) {
            $0.member("response", .bytes(whole))
        }
    }

    /// The API has no event for this.
    mutating func keepAlive(into output: inout ByteBuffer) {
        begin(into: &output)
        output.append(": keep-alive\n\n" as StaticString)
    }

    mutating func fail(_ error: GatewayError, requestID: String, into output: inout ByteBuffer) {
        begin(into: &output)
        event("response.failed", &output) { [object, items, usage] writer in
            writer.key("response")
            object.write(.failed, output: items.filter(\.isDone), usage: usage, failure: error, to: &writer)
        }
    }

    private mutating func event(
        _ name: StaticString,
        _ output: inout ByteBuffer,
        _ members: (inout JSONWriter) -> Void
    ) {
        output.appendEvent(name) { [number] writer in
            writer.member("sequence_number", number)
            members(&writer)
        }
        number += 1
    }
}
