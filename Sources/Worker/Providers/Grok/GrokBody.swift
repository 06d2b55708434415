internal import JSON

/// The body of a message to the application, in the words of either wire.
struct GrokBody {
    let configuration: GrokConfiguration
    let model: GrokModel
    let message: String
    /// Ids of what was uploaded.
    let files: [String]
    /// The answer that the message follows; nothing where a conversation begins.
    var parent: String?
    /// Another turn may be under way in the same conversation, which must not be ended.
    var isBranch = false

    func bytes() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        switch configuration.wire {
        case .modelMode: writeModelMode(&writer)
        case .modeID: writeModeID(&writer)
        }
        writeCommon(&writer)
        if let parent { write(parent: parent, &writer) }
        writer.endObject()
        return writer.take()
    }

    private func writeModelMode(_ writer: inout JSONWriter) {
        writer.member("temporary", configuration.isTemporary)
        writer.member("modelName", model.name)
        writer.member("modelMode", model.mode)
        writer.member("isReasoning", false)
        writer.member("webpageUrls", .literal("[]"))
        writer.key("responseMetadata")
        writer.beginObject()
        writer.member("is_think_harder", model.thinks)
        writer.member("is_quick_answer", false)
        writer.key("requestModelDetails")
        writer.beginObject()
        writer.member("modelId", model.name)
        writer.endObject()
        writer.endObject()
        writer.member("toolOverrides", .literal("{}"))
    }

    private func writeModeID(_ writer: inout JSONWriter) {
        writer.member("modeId", model.modeID)
        if parent == nil {
            writer.member("temporary", configuration.isTemporary)
            writer.member("responseMetadata", .literal("{}"))
            writer.member("connectors", .literal("[]"))
            writer.member("searchAllConnectors", false)
            // The account's own mail and files are nobody else's business.
            writer.key("toolOverrides")
            writer.beginObject()
            let mail = ["gmailSearch", "googleCalendarSearch", "outlookSearch", "outlookCalendarSearch"]
            for tool in mail + ["googleDriveSearch"] {
                writer.key(tool)
                writer.bool(false)
            }
            writer.endObject()
        }
        writer.member("collectionIds", .literal("[]"))
        writer.member("disabledConnectorIds", .literal("[]"))
        writer.key("deviceEnvInfo")
        writer.beginObject()
        writer.member("darkModeEnabled", false)
        writer.member("devicePixelRatio", 1)
        writer.member("screenWidth", 1920)
        writer.member("screenHeight", 1080)
        writer.member("viewportWidth", 1920)
        writer.member("viewportHeight", 1080)
        writer.endObject()
    }

    private func writeCommon(_ writer: inout JSONWriter) {
        writer.member("message", message)
        writer.key("fileAttachments")
        writer.beginArray()
        for file in files { writer.string(file) }
        writer.endArray()
        writer.member("imageAttachments", .literal("[]"))
        writer.member("disableSearch", false)
        writer.member("enableImageGeneration", true)
        writer.member("enableImageStreaming", true)
        writer.member("imageGenerationCount", 2)
        writer.member("returnImageBytes", false)
        writer.member("returnRawGrokInXaiRequest", false)
        writer.member("forceConcise", false)
        // Pairs of answers would have to be thrown away by half.
        writer.member("enableSideBySide", false)
        writer.member("forceSideBySide", false)
        writer.member("sendFinalMetadata", true)
        writer.member("disableTextFollowUps", false)
        writer.member("disableMemory", configuration.disablesMemory)
        writer.member("isAsyncChat", false)
        writer.member("disableSelfHarmShortCircuit", false)
    }

    private func write(parent: String, _ writer: inout JSONWriter) {
        writer.member("parentResponseId", parent)
        writer.member("isFromGrokFiles", false)
        writer.member("isRegenRequest", false)
        writer.member("skipCancelCurrentInflightRequests", isBranch)
        if configuration.wire == .modeID {
            writer.key("metadata")
            writer.beginObject()
            writer.member("request_metadata", .literal("{}"))
            writer.endObject()
        }
    }
}
