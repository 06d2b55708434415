package import Core
package import HTTPCodec

/// The Grok web application, with the operator's own accounts: its private interface over HTTP, in the words of whichever of
/// its generations the operator names.
package struct GrokProvider: WebProvider {
    static let longestPrompt = 400_000

    package let name = "grok"
    package let streamType = MediaType.json
    private let configuration: GrokConfiguration

    package static let definition = ProviderDefinition(
        name: "grok",
        keyVariables: ["GROK_TOKENS", "GROK_COOKIE"],
        variables: GrokConfiguration.variables,
        pool: pool
    ) { settings throws(ProviderProblem) in
        GrokProvider(try GrokConfiguration(settings))
    }

    private static var pool: PoolTraits {
        var traits = PoolTraits()
        traits.isExact = true
        traits.concurrency = 8
        traits.concurrencyVariable = "GROK_CONCURRENCY"
        traits.rest = (.seconds(60), .seconds(18_000))
        traits.credentials = GrokProvider.credentials
        traits.reads = { $0.hasPrefix("{") ? nil : GrokCredential($0)?.text }
        return traits
    }

    init(_ configuration: GrokConfiguration) {
        self.configuration = configuration
    }

    package var baseURL: String { configuration.baseURL }
    package var knownModels: [String] { configuration.models.ids }

    package var traits: WebTraits {
        var traits = WebTraits()
        traits.thinking = configuration.thinking
        traits.longestPrompt = Self.longestPrompt
        return traits
    }

    /// The application calls its stream plain JSON; what stands in for it may know better.
    package func mayBeStream(_ type: MediaType) -> Bool { type != .other }

    package func owns(_ model: String) -> Bool { model.hasPrefix("grok-") }

    package func open(_ turn: Turn, at desk: any Desk) async throws(GatewayError) -> OpenedTurn {
        try await GrokOpening(configuration, turn, desk).open()
    }

    package func reopen(
        _ turn: Turn,
        _ opened: OpenedTurn,
        after error: GatewayError,
        at desk: any Desk
    ) async throws(GatewayError) -> OpenedTurn? {
        try await GrokOpening(configuration, turn, desk).reopen(opened, after: error)
    }

    package func rest(_ turn: Turn, at desk: any Desk) async -> Int? {
        guard let session = try? GrokSession(configuration, desk, key: turn.key, isVerbatim: turn.isOwnKey) else {
            return nil
        }
        return await GrokExamination.wait(configuration.models[turn.model], session)
    }

    package func examine(at desk: any Desk) async throws(GatewayError) -> AccountFindings {
        try await GrokExamination(configuration, desk).run()
    }

    package func fileRequest(_ url: String, at desk: any Desk) async throws(GatewayError) -> OutgoingRequest {
        // The account's cookies go to the one place where its files are, and to no other.
        if GrokAddress.isPlain(url), url.hasPrefix(configuration.assetsURL + "/") {
            return try GrokSession(configuration, desk, key: desk.key).assetRequest(url)
        }
        if GrokAddress.isPlain(url), url.hasPrefix(GrokAddress.publicAssets) {
            return OutgoingRequest(method: .get, url: url)
        }
        throw GatewayError(.notFound, "This file is nowhere where it could be fetched.")
    }

    package func failure(_ answer: FailedAnswer) -> GatewayError { GrokFailure.make(answer) }

    /// The accounts in a variable: tokens separated by commas or lines, and cookies, which may hold commas, by lines.
    private static func credentials(_ settings: ProviderSettings, _ variable: String) -> [String] {
        let text = settings.text(variable) ?? ""
        let parts = text.split { $0.isNewline || $0 == "," && variable == "GROK_TOKENS" }
        var credentials: [String] = []
        for part in parts {
            guard let credential = GrokCredential(String(part))?.text, !credentials.contains(credential) else {
                continue
            }
            credentials.append(credential)
        }
        return credentials
    }
}
