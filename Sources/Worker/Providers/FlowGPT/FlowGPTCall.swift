internal import Core
internal import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// The calls of one turn, for an account on its device.
struct FlowGPTCall {
    let options: FlowGPTOptions
    let account: FlowGPTAccount
    let device: String
    let prompt: String
    let turn: Turn

    /// Opens a conversation that knows what was said before.
    var create: OutgoingRequest {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("promptId", prompt)
        writer.member("location", "CHAT_PAGE")
        writer.key("messages")
        writer.beginArray()
        if !turn.instructions.isEmpty { Self.write("system", turn.instructions, to: &writer) }
        for message in context { Self.write(message.role.rawValue, message.text, to: &writer) }
        writer.endArray()
        writer.endObject()
        return request(options.createPath, writer.take(), streams: false)
    }

    /// Asks, in a conversation or with what was said before. Yet to be signed.
    func chat(in conversation: String?) -> OutgoingRequest {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("model", options.baseModel)
        writer.member("nsfw", options.allowsAdult)
        writer.member("question", turn.messages.last?.text ?? "")
        writer.key("temperature")
        if let temperature = turn.request.document.root["temperature"], temperature.isNumber {
            writer.value(temperature)
        } else {
            writer.double(0.7)
        }
        writer.member("userId", "")
        writer.member("promptId", prompt)
        if let conversation {
            writer.member("conversationId", conversation)
        } else {
            writer.key("history")
            writer.beginArray()
            for message in turn.messages.dropLast() { Self.write(message.role.rawValue, message.text, to: &writer) }
            writer.endArray()
            writer.member("system", turn.instructions)
        }
        writer.member("documentIds", .literal("[]"))
        writer.member("generateImage", false)
        writer.member("generateAudio", false)
        writer.endObject()
        let path = account.isAnonymous ? options.chatPath + "-anonymous" : options.chatPath
        return request(path, writer.take(), streams: true)
    }

    /// A conversation is never opened with nothing.
    private var context: ArraySlice<WebMessage> {
        let isOnlyOne = turn.messages.count == 1 && turn.instructions.isEmpty
        return options.includesLast || isOnlyOne ? turn.messages[...] : turn.messages.dropLast()
    }

    private func request(_ path: String, _ body: [UInt8], streams: Bool) -> OutgoingRequest {
        var headers = Self.headers(options)
        headers += [
            HTTPHeader("Content-Type", "application/json"),
            HTTPHeader("Authorization", account.authorization),
            HTTPHeader("x-flow-device-id", device),
            HTTPHeader("x-flow-language", "en"),
            // A compressed stream would wait for its compressor's buffer.
            HTTPHeader("Accept-Encoding", streams ? "identity" : "gzip"),
        ]
        return OutgoingRequest(
            url: options.base + path,
            headers: Self.adding(options.extraHeaders, to: headers),
            body: body
        )
    }

    /// What every call of the site's pages has.
    static func headers(_ options: FlowGPTOptions) -> [HTTPHeader] {
        [
            HTTPHeader("Accept", "*/*"),
            HTTPHeader("Accept-Language", options.language),
            HTTPHeader("Origin", options.site),
            HTTPHeader("Referer", options.site + "/"),
        ]
    }

    /// The operator's own take the place of ours.
    static func adding(_ extra: [HTTPHeader], to headers: [HTTPHeader]) -> [HTTPHeader] {
        let names = Set(extra.map { $0.name.lowercased() })
        return headers.filter { !names.contains($0.name.lowercased()) } + extra
    }

    private static func write(_ role: String, _ text: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("role", role)
        writer.member("content", text)
        writer.endObject()
    }
}
