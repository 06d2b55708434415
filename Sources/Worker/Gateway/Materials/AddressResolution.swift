/// Puts together where a redirect leads (RFC 3986, section 5).
enum AddressResolution {
    /// `base` is an address with a scheme and a host. What names a scheme of its own is returned as it is, whatever that
    /// scheme may be: who fetches it decides.
    static func resolve(_ location: String, against base: String) -> String {
        let reference = location.prefix { $0 != "#" }
        if hasScheme(reference) { return String(reference) }
        let scheme = base.prefix { $0 != ":" }
        if reference.hasPrefix("//") { return "\(scheme):\(reference)" }
        let rest = base.dropFirst(scheme.count + "://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let origin = "\(scheme)://\(authority)"
        let basePath = rest.dropFirst(authority.count).prefix { $0 != "?" && $0 != "#" }
        let path = reference.prefix { $0 != "?" }
        let query = reference.dropFirst(path.count)
        if path.isEmpty {
            let own = rest.dropFirst(authority.count).prefix { $0 != "#" }
            return origin + (query.isEmpty ? own : basePath + query)
        }
        if path.hasPrefix("/") { return origin + withoutDots(path) + query }
        let folder = basePath.lastIndex(of: "/").map { basePath[...$0] } ?? "/"
        return origin + withoutDots(folder + path) + query
    }

    /// A letter, then letters, digits, `+`, `-` and `.`, then a colon.
    private static func hasScheme(_ reference: Substring) -> Bool {
        let name = reference.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        guard let first = name.first, first.isLetter else { return false }
        return reference.dropFirst(name.count).first == ":"
    }

    /// `.` stands for the folder itself and `..` for the one above it; above the first there is none.
    private static func withoutDots(_ path: Substring) -> String {
        var kept: [Substring] = []
        let steps = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (place, step) in steps.enumerated() {
            let isLast = place == steps.count - 1
            switch step {
            case "..":
                if !kept.isEmpty { kept.removeLast() }
                if isLast { kept.append("") }
            case ".": if isLast { kept.append("") }
            default: kept.append(step)
            }
        }
        return "/" + kept.joined(separator: "/")
    }
}
