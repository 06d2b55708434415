internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts the chunks of one stream right, and remembers of them what that takes.
struct TolerantChunks: Sendable {
    private let model: String
    private let isChat: Bool
    private let callID: @Sendable () -> String
    /// Those of the first chunk that has any, for all: one stream is one answer.
    private var id: String?
    private var created: Int?
    private let startedAt: Int
    private var begun: Set<Int> = []
    private var finished: Set<Int> = []
    private var calls: [CallPlace: Bool] = [:]
    private let keepsText: Bool
    /// What was said so far, where it must be counted.
    private(set) var said = ""

    private struct CallPlace: Hashable {
        var choice: Int
        var index: Int
    }

    /// More is a stream gone wrong; further ones are passed as they are.
    private static let mostCalls = 1024
    /// Bytes that are counted.
    private static let longestText = 1 << 20

    /// `startedAt` is in seconds since 1970.
    init(
        model: String,
        isChat: Bool,
        startedAt: Int,
        keepsText: Bool = false,
        callID: @escaping @Sendable () -> String
    ) {
        self.keepsText = keepsText
        self.model = model
        self.isChat = isChat
        self.startedAt = startedAt
        self.callID = callID
    }

    var hasCalls: Bool { !calls.isEmpty }
    /// Something has been said, and some of it has not been given a reason for its end.
    var lacksReason: Bool { finished.isEmpty || !begun.isSubset(of: finished) }

    /// What writes the stream's last chunk, the one with its usage.
    func trailer(for request: ModelRequest) -> ChunkWriter {
        ChunkWriter(id: id ?? "", model: model, created: created ?? startedAt, for: request)
    }

    /// What an engine left out that ends after the last piece of a call.
    mutating func missingFinish() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id ?? "")
        writer.member("object", "chat.completion.chunk")
        writer.member("created", created ?? startedAt)
        writer.member("model", model)
        writer.key("choices")
        writer.beginArray()
        for choice in begun.subtracting(finished).sorted() {
            writer.raw(.bytes(Array(#"{"index":\#(choice),"delta":{},"finish_reason":"tool_calls"}"#.utf8)))
            finished.insert(choice)
        }
        writer.endArray()
        writer.endObject()
        return Array("data: ".utf8) + writer.take() + [10, 10]
    }

    /// The event as OpenAI would have sent it; nil where it says that the answer was given up.
    mutating func event(_ chunk: JSONValue) -> [UInt8]? {
        var list = JSONWriter()
        list.beginArray()
        if let choices = chunk["choices"] {
            for choice in choices.elements {
                guard let rewritten = self.choice(choice) else { return nil }
                list.raw(.bytes(rewritten))
            }
        }
        list.endArray()
        let id = self.id ?? ToolArguments.answerID(chunk["id"], callID)
        let created = self.created ?? chunk["created"]?.int ?? startedAt
        (self.id, self.created) = (id, created)
        let edits: [JSONEdit] = [
            .set("id", .string(id)), .set("created", .integer(created)), .set("model", .string(model)),
            .set("object", .literal(isChat ? #""chat.completion.chunk""# : #""text_completion""#)),
            .set("choices", .bytes(list.take())), .remove("__verbose"),
        ]
        var buffer = ByteBuffer()
        buffer.append("data: " as StaticString)
        chunk.append(to: &buffer, editing: edits)
        buffer.append("\n\n" as StaticString)
        return buffer.take()
    }

    private mutating func choice(_ choice: JSONValue) -> [UInt8]? {
        let index = choice["index"]?.int ?? 0
        var edits: [JSONEdit] = []
        if let delta = choice["delta"], delta.isObject { edits.append(.set("delta", .bytes(self.delta(delta, index)))) }
        if !begun.contains(index), begun.count < Self.mostCalls { begun.insert(index) }
        if choice["index"]?.int == nil { edits.append(.set("index", .literal("0"))) }
        switch FinishWord(choice.present("finish_reason")) {
        case .none: edits.append(.set("finish_reason", .null))
        case .aborted: return nil
        case .word(let word):
            let called = calls.keys.contains { $0.choice == index }
            if begun.contains(index) { finished.insert(index) }
            edits.append(.set("finish_reason", .string(called && word == "stop" ? "tool_calls" : word)))
        }
        var buffer = ByteBuffer()
        choice.append(to: &buffer, editing: edits)
        return buffer.take()
    }

    private mutating func delta(_ delta: JSONValue, _ choice: Int) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if !begun.contains(choice) { writer.member("role", "assistant") }
        for (key, value) in delta.members {
            if key.equals("role") { continue }
            if keepsText, said.utf8.count < Self.longestText { said += value.string ?? "" }
            if key.equals("reasoning") {
                if delta["reasoning_content"] != nil { continue }
                writer.key("reasoning_content")
                writer.value(value)
            } else if key.equals("tool_calls") {
                let list = value.isArray ? Array(value.elements) : value.isObject ? [value] : []
                if list.isEmpty { continue }
                writer.key("tool_calls")
                writer.beginArray()
                for (place, call) in list.enumerated() { self.call(call, choice, place, &writer) }
                writer.endArray()
            } else {
                writer.key(key.string ?? "")
                writer.value(value)
            }
        }
        writer.endObject()
        return writer.take()
    }

    private mutating func call(_ call: JSONValue, _ choice: Int, _ place: Int, _ writer: inout JSONWriter) {
        let spot = CallPlace(choice: choice, index: call["index"]?.int ?? place)
        let function = call["function"]
        let name = function?["name"]?.string ?? ""
        writer.beginObject()
        writer.member("index", spot.index)
        let isNamed = calls[spot]
        if isNamed == nil, calls.count < Self.mostCalls {
            let id = call["id"]?.string ?? ""
            writer.member("id", id.isEmpty || Int(id) != nil ? callID() : id)
            writer.member("type", "function")
        }
        if calls[spot] != nil || calls.count < Self.mostCalls { calls[spot] = isNamed == true || !name.isEmpty }
        writer.key("function")
        writer.beginObject()
        if isNamed != true, !name.isEmpty { writer.member("name", name) }
        writer.key("arguments")
        writer.raw(ToolArguments.text(function?["arguments"]))
        writer.endObject()
        writer.endObject()
    }
}
