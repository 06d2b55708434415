package import Core
package import HTTPCodec
internal import OpenAIAPI

/// An upstream that is a web application: a turn takes several calls, and the conversation lives there.
///
/// What comes before the answer is straight-line code over a `Desk`, which makes calls and keeps secrets; what the answer's
/// bytes mean is a pure `AnswerReader`. The gateway does the rest for all of them: conversations, tools, stop sequences,
/// counting, chunks.
package protocol WebProvider: Provider {
    /// What its web application can and what it wants.
    var traits: WebTraits { get }

    /// Does what must come before the turn's answer, and says which call brings it.
    func open(_ turn: Turn, at desk: any Desk) async throws(GatewayError) -> OpenedTurn
    /// The call that was to bring the answer has failed, and the client has nothing of it yet: what to do in its place with
    /// the same account, or nothing where the failure stands. Asked again when that fails too. May throw the same failure
    /// with more that is known of it.
    func reopen(
        _ turn: Turn,
        _ opened: OpenedTurn,
        after error: GatewayError,
        at desk: any Desk
    ) async throws(GatewayError) -> OpenedTurn?
    /// For how many seconds a limit holds that the account has just reached, where the application tells only who asks. By
    /// then the account rests, for as long as its pool thinks fit.
    func rest(_ turn: Turn, at desk: any Desk) async -> Int?
    /// Makes a further call of the turn ready to leave, which its reader has asked for: waits, or has what must go along.
    func prepare(
        _ request: OutgoingRequest,
        _ turn: Turn,
        at desk: any Desk
    ) async throws(GatewayError) -> OutgoingRequest
    /// What is to be done when the answer is over and the client has it; `end` is nil where it never came to its end.
    func conclude(_ turn: Turn, _ end: TurnEnd?, at desk: any Desk) async
    /// Finds out whether an account works, and what it may still do; what does not follow from `open` alone.
    func examine(at desk: any Desk) async throws(GatewayError) -> AccountFindings
    /// How to fetch a file that an answer has named, with the account that may.
    func fileRequest(_ url: String, at desk: any Desk) async throws(GatewayError) -> OutgoingRequest
    /// Has a new access for an account when its time has come, or in any case.
    func refresh(force: Bool, at desk: any Desk) async
    /// Asks which models there are, where that takes more than the account's credential.
    func modelsRequest(at desk: any Desk) async throws(GatewayError) -> OutgoingRequest?
}

extension WebProvider {
    package var needsAccount: Bool { true }
    package var web: (any WebProvider)? { self }

    package func reopen(
        _ turn: Turn,
        _ opened: OpenedTurn,
        after error: GatewayError,
        at desk: any Desk
    ) async throws(GatewayError) -> OpenedTurn? { nil }

    package func prepare(
        _ request: OutgoingRequest,
        _ turn: Turn,
        at desk: any Desk
    ) async throws(GatewayError) -> OutgoingRequest { request }

    package func rest(_ turn: Turn, at desk: any Desk) async -> Int? { nil }

    package func conclude(_ turn: Turn, _ end: TurnEnd?, at desk: any Desk) async {}

    package func refresh(force: Bool, at desk: any Desk) async {}

    package func modelsRequest(at desk: any Desk) async throws(GatewayError) -> OutgoingRequest? {
        modelsRequest(key: desk.key)
    }

    package func fileRequest(_ url: String, at desk: any Desk) async throws(GatewayError) -> OutgoingRequest {
        OutgoingRequest(method: .get, url: url)
    }

    // The gateway opens turns instead; these have no part in it.

    package func translate(_ job: Job) throws(GatewayError) -> Call {
        throw GatewayError(.internalError, "This provider is served turn by turn.", cause: name)
    }

    package func makeStreamTranslator(for job: Job) -> any StreamTranslator {
        preconditionFailure("\(name) is served turn by turn")
    }

    package func translateAnswer(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        throw GatewayError.unexpectedAnswer
    }
}

/// What the gateway must know of a web application to serve it.
package struct WebTraits: Sendable {
    /// Whether it remembers, so that only what is new must be sent.
    package var remembers = true
    /// Whether text that begins with addresses means the files there.
    package var uploadsByURL = false
    /// Whether it takes images and files.
    package var takesFiles = true
    /// How its thoughts are shown where the request says nothing.
    package var thinking = ThinkingStyle.field
    /// Whether tools are said in words; else they are refused.
    package var emulatesTools = true
    /// The most bytes of text that one turn may send.
    package var longestPrompt = 400_000
    /// Members of a request that it heeds beyond what is done for all of them.
    package var parameters: [StaticString] = []

    package init() {}
}

/// Where a model's thoughts go.
package enum ThinkingStyle: String, Sendable {
    /// `reasoning_content`
    case field = "reasoning_content"
    /// `<think>…</think>` before the answer's text.
    case tags = "think_tag"
    case hidden
}

/// What was found out about an account.
package struct AccountFindings: Sendable {
    package var works: Bool
    /// `free`, `super`, `plus` …
    package var plan: String?
    /// Words for people: why it does not work, who it is (masked).
    package var note: String?
    package var quotas: [Quota] = []

    package struct Quota: Sendable {
        package var model: String
        package var remaining: Int?
        package var total: Int?
        /// Seconds until there is more.
        package var wait: Int?

        package init(model: String, remaining: Int?, total: Int?, wait: Int? = nil) {
            self.model = model
            self.remaining = remaining
            self.total = total
            self.wait = wait
        }
    }

    package init(works: Bool, plan: String? = nil, note: String? = nil, quotas: [Quota] = []) {
        self.works = works
        self.plan = plan
        self.note = note
        self.quotas = quotas
    }
}

extension GatewayError {
    /// The upstream answered, but not what was asked for.
    package static var unexpectedAnswer: GatewayError { UpstreamAnswer.unexpected }

    /// The conversation cannot be gone on with, and the client has not sent what it would take to begin anew.
    package static func conversationUnavailable(_ reason: String) -> GatewayError {
        GatewayError(
            .conversationUnavailable,
            "This conversation cannot be continued: \(reason). Send its whole history to go on.",
            source: .client,
            parameter: "conversation_id"
        )
    }
}
