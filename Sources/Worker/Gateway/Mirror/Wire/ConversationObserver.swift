import Core
import HTTPCodec
import JSON

/// Looks on while a turn's events pass: which conversation they belong to, and what the site calls it.
///
/// Only what the site itself says counts. What a visitor has sent comes back in the events too, so ids are taken from where
/// no message reaches: the root of an event, or of a document that an event begins.
struct ConversationObserver {
    struct Findings: Equatable {
        var conversation: String?
        var title: String?

        var isEmpty: Bool { conversation == nil && title == nil }
    }

    private static let longestEvent = 1 << 20
    private static let longestName = 200
    private static let longestTitle = 500

    private var reader = SSEReader(maximumEventBytes: Self.longestEvent)
    private let parser = JSONParser()
    private(set) var conversation: String?
    private var hasTitle = false
    /// Nothing more is to be learnt, or can be.
    private var isOver = false

    /// What these bytes told that was not known before.
    mutating func look(at bytes: UnsafeRawBufferPointer) -> Findings {
        var findings = Findings()
        guard !isOver else { return findings }
        unsafe reader.receive(bytes)
        do throws(StreamFramingError) {
            while let frame = try reader.next() { note(reader.payload(of: frame), &findings) }
        } catch {
            isOver = true
        }
        if conversation != nil, hasTitle { isOver = true }
        return findings
    }

    private mutating func note(_ payload: ArraySlice<UInt8>, _ findings: inout Findings) {
        guard payload.first == UInt8(ascii: "{"), let root = try? parser.parse(payload) else { return }
        if conversation == nil, let id = Self.conversation(of: root) {
            conversation = id
            findings.conversation = id
        }
        guard !hasTitle, let title = root["title"]?.string, !title.isEmpty, root["message"] == nil else { return }
        // It may be told of another conversation of the account only by mistake, but then it is not this one's.
        if let named = root["conversation_id"]?.string, named != conversation { return }
        hasTitle = true
        findings.title = String(title.prefix(Self.longestTitle))
    }

    private static func conversation(of root: JSONValue) -> String? {
        if let id = name(root["conversation_id"]) { return id }
        guard let document = root["v"], document["message"]?.isObject == true,
            root["p"].map(\.isEmptyString) ?? true, root["o"].map({ $0.equals("add" as StaticString) }) ?? true
        else { return nil }
        return name(document["conversation_id"])
    }

    private static func name(_ value: JSONValue?) -> String? {
        guard let id = value?.string, !id.isEmpty, id.utf8.count <= longestName else { return nil }
        return id
    }
}
