internal import Core
internal import JSON

/// The bodies with which turns begin and go on, of both generations.
struct ChatGPTTurnBody: Sendable {
    static let rootMessage = "client-created-root"

    let settings: ChatGPTSettings
    let ask: ChatGPTAsk
    let isPresent: Bool

    /// A message that is ready to be sent.
    struct Message: Sendable {
        var id: String
        var role: WebMessage.Role
        var text: String
        var files: [UploadedFile] = []
    }

    func next(
        _ messages: [Message],
        conversation: String?,
        parent: String,
        request: String,
        now: Int
    ) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("action", "next")
        writer.key("messages")
        writer.beginArray()
        for message in messages { write(message, now, to: &writer) }
        writer.endArray()
        common(conversation, parent, request, to: &writer)
        writer.endObject()
        return writer.take()
    }

    /// Goes on with an answer that was too long.
    func goOn(conversation: String, parent: String, request: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("action", "continue")
        common(conversation, parent, request, to: &writer)
        writer.endObject()
        return writer.take()
    }

    /// Announces a turn of the present generation.
    func prepare(conversation: String?, parent: String) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("action", "next")
        if let conversation { writer.member("conversation_id", conversation) }
        writer.member("parent_message_id", parent)
        writer.member("model", ask.model.slug)
        writer.member("client_prepare_state", "none")
        place(to: &writer)
        mode(to: &writer)
        hints(to: &writer)
        writer.member("supports_buffering", settings.supportsBuffering)
        encodings(to: &writer)
        context(to: &writer)
        writer.endObject()
        return writer.take()
    }

    private func common(
        _ conversation: String?,
        _ parent: String,
        _ request: String,
        to writer: inout JSONWriter
    ) {
        if let conversation { writer.member("conversation_id", conversation) }
        writer.member("parent_message_id", parent)
        writer.member("model", ask.model.slug)
        mode(to: &writer)
        writer.member("conversation_origin", .null)
        writer.member("history_and_training_disabled", ask.isTemporary)
        encodings(to: &writer)
        hints(to: &writer)
        writer.member("paragen_cot_summary_display_override", "allow")
        place(to: &writer)
        if isPresent {
            context(to: &writer)
            writer.member("client_prepare_state", "success")
            writer.member("supports_buffering", settings.supportsBuffering)
            writer.member("force_parallel_switch", "auto")
            if let effort = ask.effort { writer.member("thinking_effort", effort) }
            return
        }
        writer.member("paragen_stream_type_override", .null)
        writer.member("force_use_sse", true)
        writer.member("force_paragen", false)
        writer.member("force_paragen_model_slug", "")
        writer.member("force_rate_limit", false)
        writer.member("reset_rate_limits", false)
        writer.key("suggestions")
        writer.beginArray()
        writer.endArray()
        writer.member("variant_purpose", "comparison_implicit")
        writer.member("websocket_request_id", request)
    }

    private func mode(to writer: inout JSONWriter) {
        writer.key("conversation_mode")
        writer.beginObject()
        if let gizmo = ask.model.gizmo {
            writer.member("kind", "gizmo_interaction")
            writer.member("gizmo_id", gizmo)
        } else {
            writer.member("kind", "primary_assistant")
        }
        writer.endObject()
    }

    private func encodings(to writer: inout JSONWriter) {
        writer.key("supported_encodings")
        writer.beginArray()
        if isPresent { writer.string("v1") }
        writer.endArray()
    }

    private func hints(to writer: inout JSONWriter) {
        writer.key("system_hints")
        writer.beginArray()
        for hint in ask.model.hints { writer.string(hint) }
        writer.endArray()
    }

    private func place(to writer: inout JSONWriter) {
        writer.member("timezone", settings.timeZone)
        writer.member("timezone_offset_min", settings.timeZoneOffset)
    }

    private func context(to writer: inout JSONWriter) {
        writer.key("client_contextual_info")
        writer.beginObject()
        writer.member("app_name", "chatgpt.com")
        writer.endObject()
    }

    private func write(_ message: Message, _ now: Int, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", message.id)
        writer.key("author")
        writer.beginObject()
        writer.member("role", message.role.rawValue)
        writer.endObject()
        if isPresent { writer.member("create_time", now) }
        writer.key("content")
        writer.beginObject()
        let images = message.files.filter { $0.size != nil }
        writer.member("content_type", images.isEmpty ? "text" : "multimodal_text")
        writer.key("parts")
        writer.beginArray()
        for image in images { image.writePointer(to: &writer) }
        writer.string(message.text)
        writer.endArray()
        writer.endObject()
        writer.key("metadata")
        writer.beginObject()
        if message.role == .user, isPresent || !ask.model.hints.isEmpty { hints(to: &writer) }
        if !message.files.isEmpty {
            writer.key("attachments")
            writer.beginArray()
            for file in message.files { file.writeAttachment(to: &writer) }
            writer.endArray()
        }
        writer.endObject()
        writer.endObject()
    }
}
