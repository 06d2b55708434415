internal import Core
internal import HTTPCodec
internal import JSON

/// Brings files to the account that the message is sent with; nobody else can name them.
struct GrokUploads {
    private static let mostFiles = 8
    private static let mostBytes = 64 << 20

    let session: GrokSession

    /// The ids by which the message names them, in order; the same content is sent once.
    func send(_ files: [WebFile]) async throws(GatewayError) -> [String] {
        guard let first = files.first else { return [] }
        guard files.count <= Self.mostFiles else {
            throw .invalid(
                files[Self.mostFiles].path,
                "At most \(Self.mostFiles) files can be sent.",
                code: .invalidFile
            )
        }
        guard files.reduce(0, { $0 + $1.content.count }) <= Self.mostBytes else {
            throw .invalid(
                first.path,
                "The files are larger than \(Self.mostBytes >> 20) MB together.",
                code: .invalidFile
            )
        }
        var ids: [String] = []
        for (place, file) in files.enumerated() {
            if let same = files[..<place].firstIndex(where: { $0.content == file.content }) {
                ids.append(ids[same])
            } else {
                ids.append(try await send(file))
            }
        }
        return ids
    }

    private func send(_ file: WebFile) async throws(GatewayError) -> String {
        let answer = try await session.ask(.post, GrokAddress.chat + "/upload-file", Self.body(file))
        guard answer.isSuccess else { throw refusal(answer, file) }
        guard let document = try? JSONDocument(parsing: answer.body),
            let id = GrokPlace.id(document.root["fileMetadataId"])
        else { throw .unexpectedAnswer }
        return id
    }

    /// What is too large is often said to be forbidden.
    private func refusal(_ answer: DeskAnswer, _ file: WebFile) -> GatewayError {
        let error = session.failure(answer)
        let isForbidden = answer.status == 403 && error.failureClass == .failing && file.content.count > 2 << 20
        guard [400, 413, 415, 422].contains(answer.status) && error.source == .client || isForbidden else {
            return error
        }
        let reason = answer.status == 413 || isForbidden ? "it is too large" : "it is of no kind that it knows"
        return .invalid(file.path, "The application does not take this file: \(reason).", code: .invalidFile)
    }

    private static func body(_ file: WebFile) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("fileName", name(file))
        writer.member("fileMimeType", file.mediaType.isEmpty ? "application/octet-stream" : file.mediaType)
        writer.key("content")
        writer.string(utf8: Base64.standard.encodeBytes(file.content)[...])
        writer.endObject()
        return writer.take()
    }

    /// The application goes by the name's ending.
    private static func name(_ file: WebFile) -> String {
        let name = file.name.split(separator: "/").last.map(String.init) ?? "file"
        if name.contains(".") { return name }
        let subtype = file.mediaType.split(separator: "/").last.map(String.init) ?? ""
        let endings = ["plain": "txt", "svg+xml": "svg", "octet-stream": "bin", "": "bin"]
        return (file.isImage && name == "file" ? "image" : name) + "." + (endings[subtype] ?? subtype)
    }
}
