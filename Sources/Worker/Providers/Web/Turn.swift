internal import Core
package import HTTPCodec
package import OpenAIAPI

/// One request to a web application: what to say, as whom, and what was said before.
package struct Turn: Sendable {
    package let request: ModelRequest
    /// The upstream's own name for the model.
    package let model: String
    /// The account's credential.
    package let key: String
    /// The account's name in its pool, or what stands for a credential that the caller brought along.
    package let account: String
    /// The caller brought the credential along: nothing may be kept of it, and nobody else can fetch its files.
    package let isOwnKey: Bool
    /// The conversation's public name, known from the first chunk on.
    package let conversation: String
    /// The whole conversation as the client sent it, in plain messages; tools and their results are text by now.
    package let messages: [WebMessage]
    /// What the system, the tools and the format of the answer ask for, in one text; empty where there is nothing.
    package let instructions: String
    /// What the answer must be like. The gateway sees to it.
    package let form: AnswerForm
    /// The conversation as the upstream knows it, where it goes on.
    package let past: Past?
    /// A value that nobody can guess, for names that are made of it.
    package let secret: [UInt8]
    /// What the names of an answer's files are put behind: `https://host/images/`.
    package let filesURL: String
    /// In seconds since 1970.
    package let now: Int
    /// Where the client wants the model's thoughts.
    package let thinking: ThinkingStyle
    /// The workspace that the client's own header names, among those of the account.
    package let workspace: String?

    package init(
        request: ModelRequest,
        model: String,
        key: String,
        account: String,
        isOwnKey: Bool = false,
        conversation: String,
        messages: [WebMessage],
        instructions: String = "",
        form: AnswerForm = .free,
        past: Past? = nil,
        secret: [UInt8] = [],
        filesURL: String = "/images/",
        now: Int = 0,
        thinking: ThinkingStyle = .field,
        workspace: String? = nil
    ) {
        self.request = request
        self.model = model
        self.key = key
        self.account = account
        self.isOwnKey = isOwnKey
        self.conversation = conversation
        self.messages = messages
        self.instructions = instructions
        self.form = form
        self.past = past
        self.secret = secret
        self.filesURL = filesURL
        self.now = now
        self.thinking = thinking
        self.workspace = workspace
    }

    /// A conversation's earlier turns, which the upstream remembers.
    package struct Past: Sendable {
        /// JSON of the provider's own choosing, as the last turn left it: ids to go on from.
        package var state: [UInt8]
        /// The account that has the conversation.
        package var account: String
        /// Another turn of the same conversation is under way, or has gone on from the same place: this one is a branch.
        package var isBranch: Bool
        /// The instructions are not those that the conversation knows.
        package var hasNewInstructions: Bool

        package init(
            state: [UInt8],
            account: String,
            isBranch: Bool = false,
            hasNewInstructions: Bool = false
        ) {
            self.state = state
            self.account = account
            self.isBranch = isBranch
            self.hasNewInstructions = hasNewInstructions
        }
    }

    /// Whether the conversation goes on with the account that has it.
    package var isAtHome: Bool { past.map { $0.account == account } ?? false }

    /// The messages that the upstream has not seen: what comes after the last answer.
    package var news: ArraySlice<WebMessage> {
        guard let last = messages.lastIndex(where: { $0.role == .assistant }) else { return messages[...] }
        return messages[(last + 1)...]
    }

    /// Whether the client has sent the conversation's history, so that it can be told anew.
    package var hasHistory: Bool { messages.contains { $0.role == .assistant } }
}

/// A message as web applications know them: text, and files beside it.
package struct WebMessage: Sendable {
    package enum Role: String, Sendable { case system, user, assistant }

    package var role: Role
    package var text: String
    package var files: [WebFile]

    package init(role: Role, text: String, files: [WebFile] = []) {
        self.role = role
        self.text = text
        self.files = files
    }
}

/// A file that goes along with a message.
package struct WebFile: Sendable {
    package var name: String
    /// Lower case, without parameters.
    package var mediaType: String
    package var content: [UInt8]
    /// Where it stands in the request, for errors.
    package var path: String

    package init(name: String, mediaType: String, content: [UInt8], path: String) {
        self.name = name
        self.mediaType = mediaType
        self.content = content
        self.path = path
    }

    package var isImage: Bool { mediaType.hasPrefix("image/") }
}

/// A turn that is ready to be answered.
package struct OpenedTurn: Sendable {
    /// How the conversation came to be what it is now, for the client to know.
    package enum Passage: String, Sendable {
        case new, continued, cloned, replayed
    }

    /// The call whose answer is the turn's answer.
    package var request: OutgoingRequest
    package var reader: any AnswerReader
    package var passage: Passage
    /// What the upstream really uses, where that may be something else.
    package var servedModel: String?

    package init(
        _ request: OutgoingRequest,
        reader: any AnswerReader,
        passage: Passage = .new,
        servedModel: String? = nil
    ) {
        self.request = request
        self.reader = reader
        self.passage = passage
        self.servedModel = servedModel
    }
}

/// How a turn's answer ended.
package struct TurnEnd: Sendable {
    /// JSON of the provider's own choosing: what the next turn goes on from. Nothing where nothing can.
    package var state: [UInt8]?
    /// All that was said, as the client has it.
    package var text: String
    /// All that the model said, its calls of tools included.
    package var spoken: String
    package var reasoning: String
    package var finish: FinishReason

    package init(
        state: [UInt8]? = nil,
        text: String = "",
        spoken: String? = nil,
        reasoning: String = "",
        finish: FinishReason = .stop
    ) {
        self.state = state
        self.text = text
        self.spoken = spoken ?? text
        self.reasoning = reasoning
        self.finish = finish
    }
}
