internal import Core

/// Names the files of a conversation by the calls that lead to them.
struct ChatGPTFiles: Sendable {
    let base: String
    /// Once it is known.
    var conversation: String?

    /// What `file-service://…` and `sediment://…` point to.
    func image(_ pointer: String) -> AnswerFile? {
        guard let separator = pointer.firstRange(of: "://") else { return nil }
        let scheme = pointer[..<separator.lowerBound]
        let id = pointer[separator.upperBound...].prefix { $0 != "#" && $0 != "?" && $0 != "/" }
        guard !id.isEmpty else { return nil }
        let name = URLText.escape(String(id))
        let url: String
        switch scheme {
        case "file-service": url = "\(base)/backend-api/files/\(name)/download"
        case "sediment":
            guard let conversation else { return nil }
            url = "\(base)/backend-api/conversation/\(URLText.escape(conversation))/attachment/\(name)/download"
        default: return nil
        }
        return AnswerFile(url: url, title: "image", fileExtension: "png")
    }

    /// A file on the computer on which the model runs its programs.
    func sandbox(_ file: VisibleText.SandboxFile, message: String) -> AnswerFile? {
        guard let conversation else { return nil }
        let name = file.path.split(separator: "/").last.map { String($0) } ?? ""
        let suffix = name.split(separator: ".").count > 1 ? String(name.split(separator: ".").last ?? "") : ""
        let isPlain =
            !suffix.isEmpty && suffix.utf8.count <= 8
            && suffix.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let type = isPlain ? suffix.lowercased() : "bin"
        let query = "message_id=\(URLText.escape(message))&sandbox_path=\(URLText.escape(file.path))"
        return AnswerFile(
            url: "\(base)/backend-api/conversation/\(URLText.escape(conversation))/interpreter/download?\(query)",
            title: file.title.isEmpty ? name : file.title,
            fileExtension: type,
            isImage: ["png", "jpg", "jpeg", "gif", "webp", "svg"].contains(type)
        )
    }
}

/// Text within an address.
enum URLText {
    /// Everything but letters, digits and four marks becomes a percent sign and two digits.
    static func escape(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let isPlain =
                (UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 32)
                    && byte < 128
                || "-_.~".utf8.contains(byte)
            if isPlain {
                result.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += digits.utf8.count == 1 ? "%0" + digits : "%" + digits
            }
        }
        return result
    }
}
