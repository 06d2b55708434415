package import Core
package import HTTPCodec
internal import JSON
internal import OpenAIAPI

/// FlowGPT's web application. It remembers nothing here: every request opens a conversation of its own with all that was
/// said before, and asks its last message in it, signed.
package struct FlowGPTProvider: WebProvider {
    package let name = "flowgpt"
    package let traits: WebTraits
    /// Streams come as lines of JSON under whatever name.
    package let streamType = MediaType.other
    private static let signatureFact = "signature"
    private static let signatureLifetime = 86_400

    private let options: FlowGPTOptions
    private let names: FlowGPTModels
    private let listing: FlowGPTListing

    package static let definition = ProviderDefinition(
        name: "flowgpt",
        keyVariables: ["FLOWGPT_TOKENS", "FLOWGPT_BEARER_TOKEN"],
        variables: FlowGPTOptions.variables,
        pool: pool
    ) { settings throws(ProviderProblem) in try FlowGPTProvider(settings) }

    private static var pool: PoolTraits {
        var traits = PoolTraits()
        traits.isExact = true
        traits.rest = (.seconds(60), .seconds(900))
        traits.restsWhole = true
        traits.reads = FlowGPTAccount.pasted
        traits.credentials = { settings, name in settings.list(name).compactMap(FlowGPTAccount.credential) }
        return traits
    }

    package init(_ settings: ProviderSettings) throws(ProviderProblem) {
        options = try FlowGPTOptions(settings)
        names = try FlowGPTModels(settings)
        var traits = WebTraits()
        traits.remembers = false
        traits.takesFiles = false
        traits.parameters = ["temperature"]
        self.traits = traits
        listing = FlowGPTListing(
            site: options.site,
            headers: FlowGPTCall.adding(options.extraHeaders, to: FlowGPTCall.headers(options)),
            pages: options.discoveryPages,
            showsAdult: options.allowsAdult,
            prompts: names.prompts
        )
    }

    package var baseURL: String { options.base }
    package var knownModels: [String] { names.names }

    package func owns(_ model: String) -> Bool { model.hasPrefix(FlowGPTModels.directMark) }

    package func mayBeStream(_ type: MediaType) -> Bool { true }

    package func failure(_ answer: FailedAnswer) -> GatewayError { FlowGPTFailure.make(answer) }

    // MARK: Turns

    package func open(_ turn: Turn, at desk: any Desk) async throws(GatewayError) -> OpenedTurn {
        guard turn.messages.last?.text.isEmpty == false else {
            throw .invalid("messages", "The last message must not be empty.")
        }
        let account = FlowGPTAccount(turn.key)
        let prompt = try names.prompt(of: turn.model)
        let device = try await device(of: account, turn, at: desk)
        let call = FlowGPTCall(options: options, account: account, device: device, prompt: prompt, turn: turn)
        let conversation = try await conversation(call, at: desk)
        let signing = try await signing(turn, at: desk)
        var request = call.chat(in: conversation)
        try await sign(&request, signing?.used ?? options.signature ?? .authDash, device, at: desk)
        return OpenedTurn(
            request,
            reader: FlowGPTReader(cleaner: options.cleaner, signing: signing),
            servedModel: prompt
        )
    }

    /// Where the way of signing is not known, a refusal may mean no more than that it was another one.
    package func reopen(
        _ turn: Turn,
        _ opened: OpenedTurn,
        after error: GatewayError,
        at desk: any Desk
    ) async throws(GatewayError) -> OpenedTurn? {
        guard error.failureClass == .credentialsRefused, let reader = opened.reader as? FlowGPTReader,
            let next = reader.signing?.next
        else { return nil }
        let device = opened.request.headers.first { $0.name == "x-flow-device-id" }?.value ?? ""
        var again = opened
        try await sign(&again.request, next.used, device, at: desk)
        again.reader = FlowGPTReader(cleaner: options.cleaner, signing: next)
        return again
    }

    package func conclude(_ turn: Turn, _ end: TurnEnd?, at desk: any Desk) async {
        guard let finding = end?.state, !turn.isOwnKey else { return }
        // Not to know it costs a refused call the next time.
        try? await desk.remember(Self.signatureFact, finding, for: Self.signatureLifetime)
    }

    /// Asks something small: nothing else tells whether an account may.
    package func examine(at desk: any Desk) async throws(GatewayError) -> AccountFindings {
        let body = #"{"model":"default","messages":[{"role":"user","content":"Hi"}]}"#
        let turn = Turn(
            request: try ModelRequest(.chat, body: Array(body.utf8)),
            model: "default",
            key: desk.key,
            account: desk.account,
            conversation: "",
            messages: [WebMessage(role: .user, text: "Hi")],
            now: desk.now
        )
        do throws(GatewayError) {
            var opened = try await open(turn, at: desk)
            while true {
                let answer = try await desk.ask(opened.request)
                if answer.isSuccess {
                    let end = try FlowGPTExamination.read(answer.body, opened.reader)
                    await conclude(turn, end, at: desk)
                    return AccountFindings(works: true)
                }
                let error = failure(answer.failed(at: desk.now))
                guard let again = try await reopen(turn, opened, after: error, at: desk) else { throw error }
                opened = again
            }
        } catch {
            switch error.failureClass {
            case .credentialsRefused, .quotaExhausted, .rateLimited, .modelForbidden:
                return AccountFindings(works: false, note: error.message)
            case .none, .egressBlocked, .failing: throw error
            }
        }
    }

    private func device(
        of account: FlowGPTAccount,
        _ turn: Turn,
        at desk: any Desk
    ) async throws(GatewayError) -> String {
        if let device = account.device ?? options.device { return device }
        if turn.isOwnKey { return FlowGPTDevice.id(ofOwn: turn.key) }
        return try await FlowGPTDevice.id(at: desk)
    }

    /// Opens the conversation; nothing where what was said before goes along with the question.
    private func conversation(_ call: FlowGPTCall, at desk: any Desk) async throws(GatewayError) -> String? {
        if options.context == .inline || call.account.isAnonymous { return nil }
        let answer = try await desk.ask(call.create)
        if answer.isSuccess {
            let id = (try? JSONDocument(parsing: answer.body))?.root["id"]?.string
            guard let id, !id.isEmpty, id.utf8.count <= 512 else {
                throw FlowGPTFailure.broken("no conversation's id")
            }
            return id
        }
        // A service that has no such call any more is still asked the older way.
        if answer.status == 405 || answer.status == 404 && !FlowGPTFailure.isAboutPrompt(answer.body) { return nil }
        throw failure(answer.failed(at: desk.now))
    }

    /// Nothing where the operator has said how to sign.
    private func signing(_ turn: Turn, at desk: any Desk) async throws(GatewayError) -> FlowGPTSigning? {
        guard options.signature == nil else { return nil }
        let fact = turn.isOwnKey ? nil : try await desk.recall(Self.signatureFact)
        let known = fact.flatMap { FlowGPTSignature(rawValue: String(decoding: $0, as: UTF8.self)) }
        let first = known ?? .authDash
        return FlowGPTSigning(known: known, first: first, used: first)
    }

    private func sign(
        _ request: inout OutgoingRequest,
        _ signature: FlowGPTSignature,
        _ device: String,
        at desk: any Desk
    ) async throws(GatewayError) {
        let nonce = try await desk.claimNonce(for: device)
        try signature.sign(&request, timestamp: desk.now, nonce: nonce)
    }

    // MARK: What it has

    package var listLifetime: Duration? { .seconds(options.discoveryLifetime) }

    package func modelsRequest(key: String) -> OutgoingRequest? { options.discovers ? listing.request(page: 0) : nil }

    package func modelsRequest(key: String, after pages: [[UInt8]]) -> OutgoingRequest? {
        listing.request(after: pages)
    }

    package func models(ofPages pages: [[UInt8]]) -> [ListedModel]? { listing.models(pages) }
}

/// Reads the answer to a question that was asked only to have one.
private enum FlowGPTExamination {
    static func read(_ body: [UInt8], _ reader: any AnswerReader) throws(GatewayError) -> TurnEnd {
        var reader = reader
        var pieces = AnswerPieces()
        unsafe body.withUnsafeBytes { bytes in unsafe reader.receive(bytes, into: &pieces) }
        reader.finish(into: &pieces)
        for piece in pieces.pieces {
            if case .failed(let error) = piece { throw error }
        }
        return TurnEnd(state: pieces.state)
    }
}
