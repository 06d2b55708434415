internal import Core
internal import JSON
internal import OpenAIAPI

/// The content blocks of a streamed message: where each begins, its pieces, and what is said at its end.
extension AnthropicStreamedMessage {
    mutating func begin(_ content: JSONValue, _ index: Int?, _ output: inout StreamOutput) {
        // Not every proxy closes what it has opened.
        endBlock(&output)
        let type = content["type"]?.string ?? ""
        switch type {
        case "text": block = AnthropicBlock(.text, index: index, opening: string(content["text"]))
        case "thinking":
            block = AnthropicBlock(.thinking, index: index, opening: string(content["thinking"]))
            if let signature = content["signature"] {
                block.signature.append(insideOf: signature, limit: Self.rememberedBytes)
            }
        case "redacted_thinking": redacted(content, &output)
        case "tool_use" where isAnswer(content):
            block = AnthropicBlock(.answer, index: index, opening: object(content["input"]))
            hasAnswer = true
        case "tool_use": beginCall(content, index, &output)
        default: block = AnthropicBlock(.other, index: index, opening: nil)
        }
    }

    private func string(_ value: JSONValue?) -> JSONValue? { value?.isString == true ? value : nil }
    private func object(_ value: JSONValue?) -> JSONValue? { value?.isObject == true ? value : nil }

    private func isAnswer(_ content: JSONValue) -> Bool {
        answersByTool && content["name"]?.equals(AnthropicPlan.jsonTool) == true
    }

    private mutating func beginCall(_ content: JSONValue, _ index: Int?, _ output: inout StreamOutput) {
        guard calls < Self.mostCalls, let name = content["name"]?.string, !name.isEmpty else {
            output.end = .failed(.garbled("a call that cannot be one"))
            return
        }
        var id = content["id"]?.string ?? ""
        if id.isEmpty || !ids.insert(id).inserted {
            id += "toolu_\(created)_\(calls)"
            ids.insert(id)
        }
        writer?.toolCall(calls, id: id, name: name, into: &output.events)
        output.hasContent = true
        record.addCall(id)
        block = AnthropicBlock(.call(calls), index: index, opening: object(content["input"]))
        calls += 1
    }

    private mutating func redacted(_ content: JSONValue, _ output: inout StreamOutput) {
        block = AnthropicBlock()
        guard let data = content["data"], data.isString else { return }
        let redacted = AnthropicReasoning.redacted(data.raw)
        record.addThinking(redacted)
        let index = thinkingBlocks
        thinkingBlocks += 1
        writer?.delta(isContent: false, into: &output.events) { writer in
            writer.key("thinking_blocks")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", index)
            writer.member("type", "redacted_thinking")
            writer.key("data")
            writer.value(data)
            writer.endObject()
            writer.endArray()
        }
    }

    mutating func take(_ delta: JSONValue, _ index: Int?, _ output: inout StreamOutput) -> Piece? {
        guard let type = delta["type"] else { return nil }
        if type.equals("text_delta"), let text = delta["text"], text.isString {
            return take(text: text, &output)
        } else if type.equals("thinking_delta"), let text = delta["thinking"], text.isString, !text.isEmptyString {
            writer?.reasoning(text, into: &output.events)
            output.hasContent = true
            remember(text)
            return Piece(kind: .thinking, text: text)
        } else if type.equals("input_json_delta"), let piece = delta["partial_json"], piece.isString {
            take(arguments: piece, index, &output)
        } else if type.equals("signature_delta"), let signature = delta["signature"] {
            block.signature.append(insideOf: signature, limit: Self.rememberedBytes)
        } else if type.equals("citations_delta"), let citation = delta["citation"], citation.isObject {
            writer?.delta(isContent: false, into: &output.events) { writer in
                writer.key("annotations")
                writer.beginArray()
                AnthropicCitations.write(citation, nil, to: &writer)
                writer.endArray()
            }
        }
        return nil
    }

    private mutating func take(text: JSONValue, _ output: inout StreamOutput) -> Piece? {
        if text.isEmptyString { return nil }
        if answersByTool {
            hold(text, &output)
            return nil
        }
        writer?.text(text, into: &output.events)
        output.hasContent = true
        remember(text)
        return Piece(kind: .text, text: text)
    }

    private mutating func remember(_ text: JSONValue) {
        block.hasPieces = true
        if remembers { block.text.append(insideOf: text, limit: Self.rememberedBytes) }
    }

    private mutating func hold(_ text: JSONValue, _ output: inout StreamOutput) {
        block.hasPieces = true
        held.append(insideOf: text, limit: .max)
        if held.count > Self.heldBytes { output.end = .failed(.garbled("too much text beside an answer")) }
    }

    private mutating func take(arguments piece: JSONValue, _ index: Int?, _ output: inout StreamOutput) {
        if piece.isEmptyString { return }
        switch block.kind {
        case .call(let call):
            guard index == block.index else {
                output.end = .failed(.garbled("a piece of a call that is not open"))
                return
            }
            block.hasPieces = true
            writer?.toolArguments(call, .slice(piece.raw), into: &output.events)
            output.hasContent = true
        case .answer:
            block.hasPieces = true
            writer?.text(piece, into: &output.events)
            output.hasContent = true
        case .text, .thinking, .other: break
        }
    }

    /// Says what a block held when no piece has said it, and remembers what must be.
    mutating func endBlock(_ output: inout StreamOutput) {
        let ended = block
        block = AnthropicBlock()
        switch ended.kind {
        case .other: break
        case .text: endText(ended, &output)
        case .thinking: endThinking(ended, &output)
        case .call(let call):
            guard !ended.hasPieces else { break }
            let arguments = String(decoding: ended.opening ?? Array("{}".utf8), as: UTF8.self)
            writer?.toolArguments(call, .string(arguments), into: &output.events)
        case .answer:
            guard !ended.hasPieces else { break }
            writer?.text(String(decoding: ended.opening ?? Array("{}".utf8), as: UTF8.self), into: &output.events)
            output.hasContent = true
        }
    }

    private mutating func endText(_ ended: AnthropicBlock, _ output: inout StreamOutput) {
        if let opening = ended.opening, !ended.hasPieces {
            let inside = opening[1..<opening.count - 1]
            if answersByTool {
                held.append(copying: inside)
            } else {
                unsafe inside.withUnsafeBytes { unsafe writer?.text(inside: $0, into: &output.events) }
                output.hasContent = true
            }
            if remembers { record.addText(opening[...]) }
        } else if remembers, ended.hasPieces {
            record.addText(ended.text.quoted[...])
        }
    }

    private mutating func endThinking(_ ended: AnthropicBlock, _ output: inout StreamOutput) {
        var text = ended.text.quoted
        if let opening = ended.opening, !ended.hasPieces {
            let inside = opening[1..<opening.count - 1]
            unsafe inside.withUnsafeBytes { unsafe writer?.reasoning(inside: $0, into: &output.events) }
            output.hasContent = true
            text = opening
        }
        guard !ended.signature.isEmpty else { return }
        let signature = ended.signature.quoted
        if remembers { record.addThinking(AnthropicReasoning.thinking(text[...], signature: signature[...])) }
        let index = thinkingBlocks
        thinkingBlocks += 1
        writer?.delta(isContent: false, into: &output.events) { writer in
            writer.key("thinking_blocks")
            writer.beginArray()
            writer.beginObject()
            writer.member("index", index)
            writer.member("type", "thinking")
            writer.member("signature", .bytes(signature))
            writer.endObject()
            writer.endArray()
        }
    }
}
