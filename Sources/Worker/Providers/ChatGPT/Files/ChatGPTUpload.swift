internal import Core
internal import HTTPCodec
internal import JSON

/// Brings the files of a message to the site: the file is announced, put where blobs are kept, and declared complete;
/// documents are then indexed, which takes a moment.
struct ChatGPTUpload: Sendable {
    private static let mostLooks = 30

    let site: ChatGPTSite

    func send(_ files: [WebFile], at desk: any Desk) async throws(GatewayError) -> [UploadedFile] {
        var sent: [UploadedFile] = []
        for file in files { sent.append(try await send(file, at: desk)) }
        return sent
    }

    private func send(_ file: WebFile, at desk: any Desk) async throws(GatewayError) -> UploadedFile {
        let type = FileType(file)
        let name = try UUIDText.random(at: desk) + "." + type.fileExtension
        let announced = try await announce(file, type, name, at: desk)
        guard let id = announced.root["file_id"]?.string, !id.isEmpty, let url = announced.root["upload_url"]?.string,
            url.hasPrefix("https://") || url.hasPrefix("http://")
        else { throw .unexpectedAnswer }
        // Not with the account's token: this is somebody else's computer.
        let put = try await desk.ask(
            OutgoingRequest(
                method: .put,
                url: url,
                headers: [
                    HTTPHeader("Content-Type", type.mediaType), HTTPHeader("Accept", "*/*"),
                    HTTPHeader("x-ms-blob-type", "BlockBlob"), HTTPHeader("x-ms-version", "2020-04-08"),
                    HTTPHeader("Origin", site.base), HTTPHeader("User-Agent", site.settings.userAgent),
                ],
                body: file.content
            )
        )
        guard put.isSuccess else { throw .fileRefused(file, "status \(put.status)") }
        let path = "/files/" + URLText.escape(id)
        let done = try await desk.ask(site.post(path + "/uploaded", Array("{}".utf8)))
        guard done.isSuccess else { throw failure(done, file, at: desk) }
        guard try UpstreamAnswer.parse(done.body).root["download_url"]?.string != nil else {
            throw .fileRefused(file, "no address")
        }
        if type.use == .document { try await waitForIndex(path, file, at: desk) }
        return UploadedFile(
            id: id,
            name: file.name == "file" ? name : file.name,
            mediaType: type.mediaType,
            byteCount: file.content.count,
            size: type.size
        )
    }

    private func announce(
        _ file: WebFile,
        _ type: FileType,
        _ name: String,
        at desk: any Desk
    ) async throws(GatewayError) -> JSONDocument {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("file_name", name)
        writer.member("file_size", file.content.count)
        writer.member("use_case", type.use.rawValue)
        writer.member("timezone_offset_min", site.settings.timeZoneOffset)
        writer.member("reset_rate_limits", false)
        writer.endObject()
        let answer = try await desk.ask(site.post("/files", writer.take()))
        guard answer.isSuccess else { throw failure(answer, file, at: desk) }
        return try UpstreamAnswer.parse(answer.body)
    }

    private func waitForIndex(_ path: String, _ file: WebFile, at desk: any Desk) async throws(GatewayError) {
        for _ in 0..<Self.mostLooks {
            let answer = try await desk.ask(site.get(path))
            guard answer.isSuccess else { throw failure(answer, file, at: desk) }
            switch try UpstreamAnswer.parse(answer.body).root["retrieval_index_status"]?.string {
            case "success", nil: return
            case "failed", "error": throw .fileRefused(file, "not indexed")
            default: try await desk.pause(milliseconds: 1000)
            }
        }
        throw .fileRefused(file, "not indexed in time")
    }

    /// What concerns the account is a failure like any other; else it is the file that the site does not like.
    private func failure(_ answer: DeskAnswer, _ file: WebFile, at desk: any Desk) -> GatewayError {
        switch answer.status {
        case 400, 404, 413, 415, 422: .fileRefused(file, "status \(answer.status)")
        default: ChatGPTFailure.make(answer.failed(at: desk.now))
        }
    }
}

/// What the site makes of a file.
struct FileType: Sendable, Equatable {
    enum Use: String, Sendable {
        case image = "multimodal"
        /// Can be searched.
        case document = "my_files"
        /// For programs.
        case data = "ace_upload"
    }

    var mediaType: String
    var fileExtension: String
    var use: Use
    /// Of a picture.
    var size: ImageSize?

    private static let images = ["image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"]
    private static let documents = [
        "text/plain": "txt", "text/markdown": "md", "text/html": "html", "text/css": "css", "text/x-python": "py",
        "text/javascript": "js", "application/javascript": "js", "application/json": "json", "application/pdf": "pdf",
        "application/msword": "doc", "text/x-c": "c", "text/x-java": "java", "text/xml": "xml",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    ]
    private static let others = [
        "text/csv": "csv", "application/zip": "zip", "application/gzip": "gz", "application/vnd.ms-excel": "xls",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx", "audio/mpeg": "mp3",
        "audio/wav": "wav", "video/mp4": "mp4", "application/x-tar": "tar",
    ]

    init(_ file: WebFile) {
        mediaType = file.mediaType
        if let name = Self.images[file.mediaType], let size = ImageSize(file.content) {
            (fileExtension, use, self.size) = (name, .image, size)
            return
        }
        // What calls itself a picture and is none would be refused as one.
        if file.isImage { mediaType = "text/plain" }
        if let name = Self.documents[mediaType] {
            (fileExtension, use) = (name, .document)
        } else {
            (fileExtension, use) = (Self.others[mediaType] ?? Self.suffix(of: file.name), .data)
        }
    }

    private static func suffix(of name: String) -> String {
        let parts = name.split(separator: ".")
        guard parts.count > 1, let last = parts.last, last.utf8.count <= 8,
            last.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return "bin" }
        return last.lowercased()
    }
}

extension GatewayError {
    /// The site does not take this file, from whomever.
    static func fileRefused(_ file: WebFile, _ why: String) -> GatewayError {
        var error = GatewayError.invalid(file.path, "The upstream does not take this file.", code: .invalidFile)
        error.cause = why
        return error
    }
}
