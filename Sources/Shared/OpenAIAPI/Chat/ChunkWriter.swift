package import Core
package import JSON

/// Writes the chunks of one streamed chat answer, for providers whose upstream speaks another dialect.
///
/// What all chunks share is written once; a piece of text is put between two such pieces of bytes, escaped as the
/// upstream had it, so that a chunk costs little more than its copy.
package struct ChunkWriter: Sendable {
    /// Up to the index of the choice.
    private let opening: [UInt8]
    /// What follows an index and a delta: no reason to end yet.
    private let closing: [UInt8]
    private let includesUsage: Bool
    private let usesFunctions: Bool
    /// The choices that have had their role.
    private var begun: UInt128 = 0

    /// `includesUsage` says that the client asked for the usage of its stream; `created` is in seconds since 1970.
    package init(
        id: String,
        model: String,
        created: Int,
        includesUsage: Bool,
        usesFunctions: Bool = false,
        fingerprint: String? = nil,
        conversation: String? = nil
    ) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "chat.completion.chunk")
        writer.member("created", created)
        writer.member("model", model)
        if let fingerprint { writer.member("system_fingerprint", fingerprint) }
        if let conversation { writer.member("conversation_id", conversation) }
        var bytes = Array("data: ".utf8)
        bytes += writer.take()
        opening = bytes + Array(#","choices":["#.utf8)
        closing = Array((includesUsage ? #"],"usage":null}"# : "]}").utf8) + [10, 10]
        self.includesUsage = includesUsage
        self.usesFunctions = usesFunctions
    }

    /// For the request that is being answered.
    package init(
        id: String,
        model: String,
        created: Int,
        for request: ModelRequest,
        fingerprint: String? = nil,
        conversation: String? = nil
    ) {
        self.init(
            id: id,
            model: model,
            created: created,
            includesUsage: request.wantsUsage,
            usesFunctions: request.document.root.present("functions") != nil,
            fingerprint: fingerprint,
            conversation: conversation
        )
    }

    /// Text that the upstream sent as a JSON string; nothing for an empty one.
    package mutating func text(_ value: JSONValue, choice: Int = 0, into output: inout ByteBuffer) {
        piece("content", value, choice, &output)
    }

    /// The same of text that has not been parsed: `inside` is what stands between the quotes of a JSON string.
    package mutating func text(inside: UnsafeRawBufferPointer, choice: Int = 0, into output: inout ByteBuffer) {
        beginPiece("content", choice, &output, isContent: true)
        unsafe output.append(inside)
        endPiece(&output)
    }

    package mutating func text(_ text: String, choice: Int = 0, into output: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        delta(choice: choice, into: &output) { $0.member("content", text) }
    }

    package mutating func reasoning(_ value: JSONValue, choice: Int = 0, into output: inout ByteBuffer) {
        piece("reasoning_content", value, choice, &output, isContent: false)
    }

    /// The same of text that has not been parsed: `inside` is what stands between the quotes of a JSON string.
    package mutating func reasoning(inside: UnsafeRawBufferPointer, choice: Int = 0, into output: inout ByteBuffer) {
        beginPiece("reasoning_content", choice, &output, isContent: false)
        unsafe output.append(inside)
        endPiece(&output)
    }

    package mutating func reasoning(_ text: String, choice: Int = 0, into output: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        delta(choice: choice, isContent: false, into: &output) { $0.member("reasoning_content", text) }
    }

    package mutating func refusal(_ text: String, choice: Int = 0, into output: inout ByteBuffer) {
        delta(choice: choice, isContent: false, into: &output) { $0.member("refusal", text) }
    }

    /// Begins a call of a tool. `index` counts the tool calls of the choice; `extra` writes further members of the call.
    package mutating func toolCall(
        _ index: Int,
        id: String,
        name: String,
        arguments: String = "",
        choice: Int = 0,
        into output: inout ByteBuffer,
        extra: (inout JSONWriter) -> Void = { _ in }
    ) {
        if usesFunctions {
            delta(choice: choice, isContent: false, into: &output) { writer in
                writer.key("function_call")
                writer.beginObject()
                writer.member("name", name)
                writer.member("arguments", arguments)
                writer.endObject()
            }
            return
        }
        delta(choice: choice, isContent: false, into: &output) { writer in
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", index)
            writer.member("id", id)
            writer.member("type", "function")
            writer.key("function")
            writer.beginObject()
            writer.member("name", name)
            writer.member("arguments", arguments)
            writer.endObject()
            extra(&writer)
            writer.endObject()
            writer.endArray()
        }
    }

    /// A further piece of a call's arguments, as the JSON string in which it came.
    package mutating func toolArguments(
        _ index: Int,
        _ piece: JSONFragment,
        choice: Int = 0,
        into output: inout ByteBuffer
    ) {
        delta(choice: choice, isContent: false, into: &output) { [usesFunctions] writer in
            if usesFunctions {
                writer.key("function_call")
                writer.beginObject()
                writer.member("arguments", piece)
                writer.endObject()
                return
            }
            writer.key("tool_calls")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", index)
            writer.key("function")
            writer.beginObject()
            writer.member("arguments", piece)
            writer.endObject()
            writer.endObject()
            writer.endArray()
        }
    }

    /// A delta of the provider's own: what OpenAI has no word for keeps the vendor's. `isContent` says that the delta has
    /// a `content` member itself; where it has none, a choice's first delta says that there is none yet.
    package mutating func delta(
        choice: Int = 0,
        isContent: Bool = true,
        logprobs: JSONFragment = .null,
        into output: inout ByteBuffer,
        _ members: (inout JSONWriter) -> Void
    ) {
        begin(choice, &output)
        output.append(#","delta":{"# as StaticString)
        let isFirst = takeFirst(choice)
        if isFirst { output.append(#""role":"assistant""# as StaticString) }
        if isFirst, !isContent { output.append(#","content":null"# as StaticString) }
        output.appendJSON(afterMember: isFirst, members)
        output.append(#"},"logprobs":"# as StaticString)
        output.appendJSON { $0.raw(logprobs) }
        output.append(#","finish_reason":null}"# as StaticString)
        output.append(copying: closing[...])
    }

    /// Ends a choice. `members` are written beside the reason: the vendor's own word for it, say.
    package mutating func finish(
        _ reason: FinishReason,
        choice: Int = 0,
        into output: inout ByteBuffer,
        _ members: (inout JSONWriter) -> Void = { _ in }
    ) {
        // A choice that said nothing has still a role.
        begin(choice, &output)
        output.append(
            (takeFirst(choice) ? #","delta":{"role":"assistant","content":""}"# : #","delta":{}"#) as StaticString
        )
        output.append(#","logprobs":null,"finish_reason":""# as StaticString)
        output.append((reason == .toolCalls && usesFunctions ? FinishReason.functionCall : reason).rawValue)
        output.append(#"""# as StaticString)
        output.appendJSON(afterMember: true, members)
        output.append(UInt8(ascii: "}"))
        output.append(copying: closing[...])
    }

    /// The usage trailer, if the client asked for one.
    package func usage(_ usage: TokenUsage, into output: inout ByteBuffer) {
        guard includesUsage else { return }
        output.append(copying: opening[...])
        output.append(#"],"usage":"# as StaticString)
        output.appendJSON { usage.write(to: &$0) }
        output.append("}\n\n" as StaticString)
    }

    private mutating func piece(
        _ name: StaticString,
        _ value: JSONValue,
        _ choice: Int,
        _ output: inout ByteBuffer,
        isContent: Bool = true
    ) {
        guard value.isString, !value.isEmptyString else { return }
        beginPiece(name, choice, &output, isContent: isContent)
        output.append(copying: value.raw.dropFirst().dropLast())
        endPiece(&output)
    }

    /// Up to the first character of a string that is the only member of a delta.
    private mutating func beginPiece(
        _ name: StaticString,
        _ choice: Int,
        _ output: inout ByteBuffer,
        isContent: Bool
    ) {
        begin(choice, &output)
        output.append(#","delta":{"# as StaticString)
        if takeFirst(choice) {
            output.append(
                (isContent ? #""role":"assistant","# : #""role":"assistant","content":null,"#) as StaticString
            )
        }
        output.append(UInt8(ascii: "\""))
        output.append(name)
        output.append(#"":""# as StaticString)
    }

    private func endPiece(_ output: inout ByteBuffer) {
        output.append(#""},"logprobs":null,"finish_reason":null}"# as StaticString)
        output.append(copying: closing[...])
    }

    private func begin(_ choice: Int, _ output: inout ByteBuffer) {
        output.append(copying: opening[...])
        output.append(#"{"index":"# as StaticString)
        output.append(decimal: choice)
    }

    private mutating func takeFirst(_ choice: Int) -> Bool {
        // Nobody asks for more choices than there are bits; should an upstream invent one, it has a role each time.
        guard (0..<128).contains(choice) else { return true }
        let bit = UInt128(1) << UInt128(choice)
        defer { begun |= bit }
        return begun & bit == 0
    }
}
