internal import Core
internal import HTTPCodec
internal import JSON

/// Takes a conversation from the account that has it to the one that is to go on with it: the owner shares it, the other
/// one clones it, and the link is gone before anybody else can have seen it.
struct GrokMove {
    enum Outcome {
        /// It goes on from here, in the other account.
        case moved(GrokPlace)
        /// It could not be cloned, but it could be read.
        case read([WebMessage])
        case failed
    }

    let owner: GrokSession
    let other: GrokSession
    /// Whether the conversation must be read where it cannot be cloned, since the client has not sent it.
    let mayRead: Bool

    func move(_ place: GrokPlace) async throws(GatewayError) -> Outcome {
        guard let link = await share(place) else { return .failed }
        let outcome: Result<Outcome, GatewayError>
        do throws(GatewayError) {
            if let moved = try await clone(link) {
                outcome = .success(.moved(moved))
            } else if mayRead, let messages = await read(link) {
                outcome = .success(.read(messages))
            } else {
                outcome = .success(.failed)
            }
        } catch {
            outcome = .failure(error)
        }
        await revoke(link)
        switch outcome {
        case .success(let outcome): return outcome
        case .failure(let error): throw error
        }
    }

    /// Whatever keeps the owner from it says nothing of the account that the turn is made with.
    private func share(_ place: GrokPlace) async -> String? {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("responseId", place.response)
        writer.member("allowIndexing", false)
        writer.endObject()
        let path = "\(GrokAddress.chat)/conversations/\(GrokAddress.segment(place.conversation))/share"
        guard let answer = try? await owner.ask(.post, path, writer.take()), answer.isSuccess,
            let document = try? JSONDocument(parsing: answer.body)
        else { return nil }
        return GrokPlace.id(document.root["shareLinkId"])
    }

    /// Nothing where it cannot be done; an error where it is this account that cannot do it.
    private func clone(_ link: String) async throws(GatewayError) -> GrokPlace? {
        let answer = try await other.ask(.post, Self.path(link) + "/clone")
        guard answer.isSuccess else {
            let error = other.failure(answer)
            switch error.failureClass {
            case .none, .failing: return nil
            default: throw error
            }
        }
        guard let document = try? JSONDocument(parsing: answer.body),
            let conversation = GrokPlace.id(document.root["conversation"]?["conversationId"]),
            let responses = document.root["responses"]
        else { return nil }
        var last: JSONValue?
        var lastOfModel: JSONValue?
        for response in responses.elements {
            last = response
            if Self.role(response) == .assistant { lastOfModel = response }
        }
        guard let parent = GrokPlace.id((lastOfModel ?? last)?["responseId"]) else { return nil }
        return GrokPlace(conversation: conversation, response: parent)
    }

    /// What was said, as anybody who has the link may read it.
    private func read(_ link: String) async -> [WebMessage]? {
        guard let answer = try? await other.ask(.get, Self.path(link)), answer.isSuccess,
            let document = try? JSONDocument(parsing: answer.body), let responses = document.root["responses"]
        else { return nil }
        var messages: [WebMessage] = []
        for response in responses.elements {
            guard let text = response["message"]?.string, !text.isEmpty else { continue }
            messages.append(WebMessage(role: Self.role(response), text: text))
        }
        return messages.isEmpty ? nil : messages
    }

    private func revoke(_ link: String) async {
        for _ in 0..<2 {
            let answer = try? await owner.ask(.delete, Self.path(link))
            if let answer, answer.isSuccess || answer.status == 404 { return }
        }
    }

    private static func path(_ link: String) -> String {
        "\(GrokAddress.chat)/share_links/\(GrokAddress.segment(link))"
    }

    private static func role(_ response: JSONValue) -> WebMessage.Role {
        response["sender"]?.string?.lowercased() == "assistant" ? .assistant : .user
    }
}
