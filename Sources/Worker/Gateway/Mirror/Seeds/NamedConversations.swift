import Core
import HTTPCodec
import JSON

/// The ids of conversations that a request names anywhere but in its path.
enum NamedConversations {
    /// What a body may be that is looked through.
    private static let limits = JSONLimits(depth: 64, bytes: 4 << 20, values: 200_000)

    /// Throws where nobody can tell which ids there are, since the site might.
    static func find(
        query: String?,
        body: [UInt8],
        contentType: ArraySlice<UInt8>?
    ) throws(GatewayError) -> [String] {
        var ids: [String] = []
        if let query {
            guard let pairs = MirrorQuery(query.utf8)?.pairs else {
                throw .invalid(nil, "The query of this address cannot be read.")
            }
            for (name, value) in pairs where isName(name) { ids.append(value) }
        }
        guard !body.isEmpty else { return ids }
        if isForm(contentType) { return ids }
        do throws(JSONError) {
            let document = try JSONDocument(parsing: body, limits: limits)
            collect(document.root, into: &ids)
        } catch {
            throw .invalid(nil, "The body must be JSON of at most 4 MiB.", code: .invalidJSON)
        }
        return ids
    }

    /// Files for the site to hear, beside which there is nothing to be named.
    private static func isForm(_ type: ArraySlice<UInt8>?) -> Bool {
        type?.prefix(20).equalsIgnoringCase("multipart/form-data;") ?? false
    }

    /// Every value under such a name, however deep, and all of those that repeat it: readers differ in which they believe.
    private static func collect(_ value: JSONValue, into ids: inout [String]) {
        if value.isObject {
            for (name, member) in value.members {
                if name.string.map({ isName($0) }) == true {
                    if let id = member.string { ids.append(id) }
                    for element in member.elements { if let id = element.string { ids.append(id) } }
                }
                collect(member, into: &ids)
            }
        } else if value.isArray {
            for element in value.elements { collect(element, into: &ids) }
        }
    }

    /// `conversation_id`, `conversationIds` and whatever else the site may come to call it.
    private static func isName(_ name: String) -> Bool {
        name.utf8.count >= 14 && name.lowercased().filter { $0 != "_" && $0 != "-" }.contains("conversationid")
    }
}
