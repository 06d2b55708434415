internal import Core
internal import HTTPCodec
internal import JSON

/// The prompts that the site lists, as models.
struct FlowGPTListing: Sendable {
    /// How many the site tells at once.
    static let pageSize = 36
    private static let longestSlug = 48

    let site: String
    let headers: [HTTPHeader]
    let pages: Int
    let showsAdult: Bool
    /// The operator's own names, which win.
    let prompts: [String: String]

    func request(page: Int) -> OutgoingRequest {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("0")
        writer.beginObject()
        writer.key("json")
        writer.beginObject()
        writer.member("skip", page * Self.pageSize)
        writer.member("tag", .null)
        writer.member("sort", "top")
        writer.member("q", .null)
        writer.member("language", "en")
        writer.endObject()
        // How its serializer says that a null is really nothing.
        writer.member("meta", .literal(#"{"values":{"tag":["undefined"],"q":["undefined"]}}"#))
        writer.endObject()
        writer.endObject()
        let input = Self.percentEncoded(writer.take())
        return OutgoingRequest(
            method: .get,
            url: "\(site)/api/trpc/prompt.getPrompts?batch=1&input=\(input)",
            headers: headers
        )
    }

    /// The next page, unless the last one was not full.
    func request(after bodies: [[UInt8]]) -> OutgoingRequest? {
        guard bodies.count < pages, let last = bodies.last, let count = Self.cards(last)?.count, count >= Self.pageSize
        else { return nil }
        return request(page: bodies.count)
    }

    func models(_ bodies: [[UInt8]]) -> [ListedModel]? {
        var models: [ListedModel] = []
        var taken = Set(prompts.keys)
        var seen = Set(prompts.values)
        for (page, body) in bodies.enumerated() {
            guard let cards = Self.cards(body) else {
                // Half a list is better than none, none than one that makes no sense.
                if page == 0 { return nil }
                break
            }
            for card in cards.elements {
                guard let id = card["id"]?.string, FlowGPTName.isValid(id), let title = card["title"]?.string,
                    card["live"]?.bool != false, showsAdult || card["nsfw"]?.bool != true, seen.insert(id).inserted,
                    let name = Self.name(title, id, &taken)
                else { continue }
                models.append(
                    ListedModel(
                        id: name,
                        created: card["createdAt"]?.string.flatMap { $0.utf8.count <= 64 ? RFC3339.seconds($0) : nil }
                            ?? 0,
                        capabilities: ["chat"],
                        target: FlowGPTModels.directMark + id
                    )
                )
            }
        }
        return models
    }

    /// `[{"result":{"data":{"json":[…]}}}]`
    private static func cards(_ body: [UInt8]) -> JSONValue? {
        guard let list = (try? JSONDocument(parsing: body))?.root[0]?["result"]?["data"]?["json"], list.isArray else {
            return nil
        }
        return list
    }

    private static func name(_ title: String, _ id: String, _ taken: inout Set<String>) -> String? {
        let slug = slug(title)
        for name in [slug, "\(slug)-\(id.prefix(6))", id] where name != "" && !name.hasPrefix("-") {
            if taken.insert(name).inserted { return name }
        }
        return nil
    }

    /// Letters and digits in lower case, everything between them as one hyphen.
    static func slug(_ title: String) -> String {
        var slug = ""
        var count = 0
        var isBetween = false
        for scalar in title.lowercased().unicodeScalars {
            guard scalar.properties.isAlphabetic || scalar.properties.numericType != nil else {
                isBetween = count > 0
                continue
            }
            let needed = isBetween ? 2 : 1
            if count + needed > longestSlug { break }
            if isBetween { slug.append("-") }
            slug.unicodeScalars.append(scalar)
            count += needed
            isBetween = false
        }
        return slug
    }

    private static func percentEncoded(_ bytes: [UInt8]) -> String {
        var text = ""
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                text += digits.utf8.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return text
    }
}
