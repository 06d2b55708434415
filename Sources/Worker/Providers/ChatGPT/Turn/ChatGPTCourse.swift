internal import Core
internal import HTTPCodec
internal import JSON

/// How a turn that has begun goes on: what the reader may ask for when the answer is not yet whole.
struct ChatGPTCourse: Sendable {
    static let turnPath = "/conversation"
    static let presentTurnPath = "/f/conversation"
    static let resumptionPath = "/f/conversation/resume"

    let site: ChatGPTSite
    let body: ChatGPTTurnBody
    /// What the turn goes on with.
    var conversation: String?
    /// A value that is the turn's own.
    let request: String
    /// In seconds since 1970.
    var now = 0
    /// The ids of the messages that were sent: the site repeats them before it answers.
    var sent: Set<String> = []
    /// The access was renewed for this turn already.
    var isRenewed = false

    var keepsHistory: Bool { !body.ask.isTemporary }
    var isPresent: Bool { body.isPresent }
    var showsTools: Bool { site.settings.showsTools }
    var mostContinuations: Int { site.settings.mostContinuations }
    var deletes: Bool { keepsHistory && site.settings.deletesAfterwards }

    /// Without what the site wants to be shown with it, which is added when it leaves.
    func continuation(_ conversation: String, _ parent: String) -> OutgoingRequest {
        site.stream(
            isPresent ? Self.presentTurnPath : Self.turnPath,
            conversation: conversation,
            isPresent ? [HTTPHeader("X-Conduit-Token", "no-token")] : [],
            body.goOn(conversation: conversation, parent: parent, request: request)
        )
    }

    /// A further message, to have the answer mended.
    func followUp(_ text: String, _ id: String, _ conversation: String, _ parent: String) -> OutgoingRequest {
        let message = ChatGPTTurnBody.Message(id: id, role: .user, text: text)
        return site.stream(
            isPresent ? Self.presentTurnPath : Self.turnPath,
            conversation: conversation,
            isPresent ? [HTTPHeader("X-Conduit-Token", "no-token")] : [],
            body.next([message], conversation: conversation, parent: parent, request: request, now: now)
        )
    }

    /// The rest of a stream of which so many events have been read.
    func resumption(_ conversation: String, _ token: String?, _ offset: Int) -> OutgoingRequest {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("conversation_id", conversation)
        writer.member("offset", offset)
        writer.endObject()
        return site.stream(
            Self.resumptionPath,
            conversation: conversation,
            [HTTPHeader("X-Conduit-Token", token ?? "no-token")],
            writer.take()
        )
    }

    /// The conversation as a whole.
    func look(_ conversation: String) -> OutgoingRequest { site.get("/conversation/" + URLText.escape(conversation)) }
}
