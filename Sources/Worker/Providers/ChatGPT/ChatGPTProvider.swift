package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// ChatGPT's web application, with the operator's own accounts. Speaks both generations of its protocol, and produces
/// nothing that only a browser could: where the site insists on that, the request fails and says so.
package struct ChatGPTProvider: WebProvider {
    package let name = "chatgpt"
    package var baseURL: String { settings.bases[0] }
    package let traits: WebTraits
    private let settings: ChatGPTSettings

    package static let definition = ProviderDefinition(
        name: "chatgpt",
        keyVariables: ["CHATGPT_TOKENS"],
        variables: ChatGPTSettings.variables,
        pool: pool
    ) { settings throws(ProviderProblem) in
        ChatGPTProvider(try ChatGPTSettings(settings))
    }

    private static var pool: PoolTraits {
        var traits = PoolTraits()
        traits.isExact = true
        // The site takes one message at a time.
        traits.concurrency = 1
        traits.rest = (first: .seconds(60), longest: .seconds(3600))
        traits.credentials = { credentials($0.text($1) ?? "") }
        traits.reads = ChatGPTCredential.pasted
        traits.hasCommas = true
        return traits
    }

    package init(_ settings: ChatGPTSettings) {
        self.settings = settings
        var traits = WebTraits()
        traits.uploadsByURL = settings.uploadsByURL
        traits.thinking = settings.thinking
        traits.parameters = [
            "system_hints", "hints", "deep_research", "web_search_options", "history_disabled", "Chatgpt-Account-Id",
            "ChatGPT-Account-ID", "parent_message_id", "reasoning_effort",
        ]
        self.traits = traits
    }

    /// Separated by lines, spaces or semicolons: a comma stands between a token and its workspace. What begins with `#` is
    /// a remark, to the end of its line.
    package static func credentials(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).flatMap { line in
            line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" || $0 == ";" }.map { String($0) }
        }
    }

    package func owns(_ model: String) -> Bool { ChatGPTModel.isOwn(model) }

    package func open(_ turn: Turn, at desk: any Desk) async throws(GatewayError) -> OpenedTurn {
        try await ChatGPTOpening(settings: settings, turn: turn, desk: desk).open()
    }

    package func prepare(
        _ request: OutgoingRequest,
        _ turn: Turn,
        at desk: any Desk
    ) async throws(GatewayError) -> OutgoingRequest {
        if request.method == .get {
            try await desk.pause(milliseconds: ChatGPTPace.look)
            return request
        }
        if request.url.hasSuffix(ChatGPTCourse.resumptionPath) {
            try await desk.pause(milliseconds: ChatGPTPace.resumption)
            return request
        }
        guard !settings.skipsRequirements else { return request }
        let isPresent = request.url.hasSuffix(ChatGPTCourse.presentTurnPath)
        let session = try await ChatGPTSignOn(settings).session(at: desk)
        let workspace = request.headers.first { $0.name == "ChatGPT-Account-ID" }?.value
        let path = "/backend-api" + (isPresent ? ChatGPTCourse.presentTurnPath : ChatGPTCourse.turnPath)
        let site = ChatGPTSite(
            settings,
            base: String(request.url.dropLast(path.count)),
            session,
            workspace: workspace,
            account: desk.account
        )
        let requirements = ChatGPTRequirements(settings: settings, site: site)
        var request = request
        request.headers += try await requirements.headers(isPresent ? .present : .legacy, at: desk)
        return request
    }

    package func conclude(_ turn: Turn, _ end: TurnEnd?, at desk: any Desk) async {
        guard let state = end?.state.flatMap({ ChatGPTState($0) }), state.isDeleted,
            let site = try? await site(at: desk, workspace: turn.workspace)
        else { return }
        let path = "/conversation/" + URLText.escape(state.conversation)
        _ = try? await desk.ask(site.patch(path, Array(#"{"is_visible":false}"#.utf8)))
    }

    package func examine(at desk: any Desk) async throws(GatewayError) -> AccountFindings {
        try await ChatGPTExamination(settings: settings, desk: desk).findings()
    }

    package func reopen(
        _ turn: Turn,
        _ opened: OpenedTurn,
        after error: GatewayError,
        at desk: any Desk
    ) async throws(GatewayError) -> OpenedTurn? {
        try await ChatGPTOpening(settings: settings, turn: turn, desk: desk).reopen(opened, after: error)
    }

    package func refresh(force: Bool, at desk: any Desk) async {
        guard ChatGPTCredential(desk.key).isRenewable else { return }
        // Whoever needs it next finds out for itself what is wrong.
        _ = try? await ChatGPTSignOn(settings).session(at: desk, force: force)
    }

    package func fileRequest(_ url: String, at desk: any Desk) async throws(GatewayError) -> OutgoingRequest {
        let site = try await site(at: desk, workspace: nil)
        return try await ChatGPTDownload(site: site).request(url, at: desk)
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { ChatGPTFailure.make(answer) }

    package func modelsRequest(key: String) -> OutgoingRequest? {
        // Others need a desk to get their token with.
        guard case .access(let token) = ChatGPTCredential(key).kind else { return nil }
        return listing(ChatGPTSession(source: "", access: token, expires: nil, renewed: 0), key, account: key)
    }

    package func modelsRequest(at desk: any Desk) async throws(GatewayError) -> OutgoingRequest? {
        listing(try await ChatGPTSignOn(settings).session(at: desk), desk.key, account: desk.account)
    }

    package func models(_ body: [UInt8]) -> [ListedModel]? { ChatGPTListing.models(body) }

    private func listing(_ session: ChatGPTSession, _ key: String, account: String) -> OutgoingRequest {
        let site = ChatGPTSite(
            settings,
            base: settings.bases[0],
            session,
            workspace: ChatGPTCredential(key).workspace,
            account: account
        )
        return site.get("/models?history_and_training_disabled=false")
    }

    private func site(at desk: any Desk, workspace: String?) async throws(GatewayError) -> ChatGPTSite {
        let session = try await ChatGPTSignOn(settings).session(at: desk)
        return ChatGPTVisit(settings, desk, workspace: workspace).site(settings.bases[0], session)
    }
}

/// How long is waited before a turn's further calls, in milliseconds.
private enum ChatGPTPace {
    static let resumption = 300
    static let look = 4000
}
