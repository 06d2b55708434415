/// Addresses of the application and of its files.
enum GrokAddress {
    static let chat = "/rest/app-chat"
    /// Copies of pictures that anybody may fetch.
    static let publicAssets = "https://imagine-public.x.ai/"

    /// `https://host` of an address.
    static func origin(of url: String) -> String {
        guard let scheme = url.firstIndex(of: "/") else { return url }
        let host = url[scheme...].drop { $0 == "/" }
        return String(url[..<scheme]) + "//" + host.prefix { $0 != "/" }
    }

    /// One segment of a path.
    static func segment(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        var path = ""
        for byte in text.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "~")
            if isPlain {
                path.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                path += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return path
    }

    /// Whether the text can be put into a request line as it is.
    static func isPlain(_ url: String) -> Bool {
        url.utf8.count <= 4096 && url.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
    }

    /// The whole address of a file that an answer names by its path, or nothing where it is none.
    static func asset(_ name: String, at assetsURL: String) -> String? {
        guard isPlain(name), !name.isEmpty else { return nil }
        for host in [assetsURL + "/", GrokConfiguration.defaultAssets + "/"] where name.hasPrefix(host) {
            return asset(String(name.dropFirst(host.count)), at: assetsURL)
        }
        if name.hasPrefix(publicAssets) { return name }
        if name.contains("://") || name.hasPrefix("//") { return nil }
        return assetsURL + "/" + name.drop { $0 == "/" }
    }

    /// What the name of a file ends with.
    static func fileExtension(of url: String) -> String {
        let name = url.prefix { $0 != "?" && $0 != "#" }
        guard let dot = name.lastIndex(of: ".") else { return "jpg" }
        let ending = name[name.index(after: dot)...].lowercased()
        return ["jpg", "jpeg", "png", "gif", "webp"].contains(ending) ? ending : "jpg"
    }
}
