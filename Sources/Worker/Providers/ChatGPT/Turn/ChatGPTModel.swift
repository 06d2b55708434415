internal import Core
internal import JSON
internal import OpenAIAPI

/// What a client's name for a model comes to: the site's name for it, a GPT perhaps, and what the turn is to do.
struct ChatGPTModel: Sendable, Equatable {
    var slug: String
    /// The GPT or project that the turn is held with: `g-…`.
    var gizmo: String?
    var hints: [String] = []

    private static let usualSlug = "auto"
    /// Names of the vendor's other interface, by how they begin.
    private static let elsewhere = [
        ("gpt-3.5", "text-davinci-002-render-sha"), ("gpt-4-turbo", "gpt-4"), ("gpt-4.5o", "gpt-4o"),
        ("chatgpt-4o-latest", "gpt-4o"),
    ]
    private static let research = [
        "deep-research": usualSlug, "o3-deep-research": "o3", "o4-mini-deep-research": "o4-mini",
        "gpt-4o-deep-research": "gpt-4o",
    ]

    init(_ name: String) {
        slug = Self.usualSlug
        if let gizmo = Self.gizmo(in: name) {
            self.gizmo = gizmo.id
            slug = gizmo.base
            return
        }
        if let base = Self.research[name] {
            slug = base
            hints = ["research"]
            return
        }
        slug = Self.slug(name)
    }

    /// Whether a bare name can only be one of this site's.
    static func isOwn(_ name: String) -> Bool { gizmo(in: name) != nil }

    /// `gizmo-g-…`, `<base>-gizmo-g-…`, `g-…`, `g-p-…`.
    private static func gizmo(in name: String) -> (id: String, base: String)? {
        if let range = name.firstRange(of: "gizmo-g-") {
            let before = name[..<range.lowerBound]
            guard before.isEmpty || before.hasSuffix("-") else { return nil }
            let id = "g-" + name[range.upperBound...]
            guard isGizmo(id) else { return nil }
            let base = String(before.dropLast())
            // A name of the time when they all were the same model.
            return (id, base.isEmpty || base == "gpt-4" ? usualSlug : slug(base))
        }
        return isGizmo(name) ? (name, usualSlug) : nil
    }

    /// Long enough not to be taken for some other model's name.
    private static func isGizmo(_ id: String) -> Bool {
        guard id.hasPrefix("g-") else { return false }
        let rest = id.hasPrefix("g-p-") ? id.dropFirst(4) : id.dropFirst(2)
        let body = rest.prefix { $0 != "-" }
        return body.utf8.count >= 8 && id.utf8.count <= 200
            && rest.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            && body.contains(where: \.isNumber)
    }

    private static func slug(_ name: String) -> String {
        for (start, slug) in elsewhere where name == start || name.hasPrefix(start + "-") || name.hasPrefix(start + "0")
        {
            return slug
        }
        return undated(name)
    }

    /// `gpt-4o-2024-08-06` is `gpt-4o`.
    private static func undated(_ name: String) -> String {
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 3 else { return name }
        let date = parts.suffix(3)
        guard zip(date, [4, 2, 2]).allSatisfy({ $0.utf8.count == $1 && $0.allSatisfy(\.isNumber) }) else { return name }
        return parts.dropLast(3).joined(separator: "-")
    }

    /// Names that the site would know under another are shown under the one it was asked for.
    static func effort(_ effort: ReasoningEffort?) -> String? {
        switch effort?.rawValue {
        case nil: nil
        case "none", "minimal", "low": "standard"
        case "medium": "extended"
        default: "max"
        }
    }
}
