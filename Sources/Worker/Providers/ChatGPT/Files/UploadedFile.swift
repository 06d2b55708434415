internal import Core
internal import JSON

/// A file of a message that the site has by now.
struct UploadedFile: Sendable, Equatable {
    var id: String
    var name: String
    var mediaType: String
    var byteCount: Int
    /// Of a picture.
    var size: ImageSize?

    /// Where the picture stands in the message.
    func writePointer(to writer: inout JSONWriter) {
        guard let size else { return }
        writer.beginObject()
        writer.member("content_type", "image_asset_pointer")
        // Ids of the newer kind are written so.
        writer.member("asset_pointer", (id.hasPrefix("file_") ? "sediment://" : "file-service://") + id)
        writer.member("size_bytes", byteCount)
        writer.member("width", size.width)
        writer.member("height", size.height)
        writer.endObject()
    }

    func writeAttachment(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("size", byteCount)
        writer.member("name", name)
        // Both spellings are in use.
        writer.member("mime_type", mediaType)
        writer.member("mimeType", mediaType)
        if let size {
            writer.member("width", size.width)
            writer.member("height", size.height)
        }
        writer.endObject()
    }
}
