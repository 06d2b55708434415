internal import Core
internal import HTTPCodec
internal import JSON

/// What the site wants to be shown with a turn: a token of its own, and the answer to a puzzle. Checks that want a browser
/// are never passed by us; where one is asked for and the turn then fails, the client is told so.
struct ChatGPTRequirements: Sendable {
    private static let tokenHeader = "openai-sentinel-chat-requirements-token"
    private static let proofHeader = "openai-sentinel-proof-token"

    let settings: ChatGPTSettings
    let site: ChatGPTSite

    /// The headers that go along with the turn.
    func headers(
        _ generation: ChatGPTSettings.Generation,
        at desk: any Desk
    ) async throws(GatewayError) -> [HTTPHeader] {
        switch generation {
        case .legacy: try await legacy(at: desk)
        case .present: try await twoSteps(at: desk)
        }
    }

    private func legacy(at desk: any Desk) async throws(GatewayError) -> [HTTPHeader] {
        let hash = settings.puzzleHash ?? .sha3
        let offer = try await offer(hash, at: desk)
        let root = try await ask("/sentinel/chat-requirements", ["p": offer], at: desk)
        try check(root.root)
        guard let token = root.root["token"]?.string, !token.isEmpty else {
            throw .checkRequired("the site gives no token for this turn")
        }
        var headers = [HTTPHeader(Self.tokenHeader, token)]
        if let proof = try await proof(root.root, hash, at: desk) {
            headers.append(HTTPHeader(Self.proofHeader, proof))
        }
        return headers
    }

    private func twoSteps(at desk: any Desk) async throws(GatewayError) -> [HTTPHeader] {
        let hash = settings.puzzleHash ?? .fnv1a
        let offer = try await offer(hash, at: desk)
        let prepared = try await ask("/sentinel/chat-requirements/prepare", ["p": offer], at: desk)
        try check(prepared.root)
        guard let ticket = prepared.root["prepare_token"]?.string, !ticket.isEmpty else { throw .unexpectedAnswer }
        var members = ["prepare_token": ticket]
        let proof = try await proof(prepared.root, hash, at: desk)
        if let proof { members["proofofwork"] = proof }
        let done = try await ask("/sentinel/chat-requirements/finalize", members, at: desk)
        guard let token = done.root["token"]?.string, !token.isEmpty else {
            throw .checkRequired("the site gives no token for this turn")
        }
        var headers = [HTTPHeader(Self.tokenHeader, token)]
        if let proof { headers.append(HTTPHeader(Self.proofHeader, proof)) }
        return headers
    }

    private func ask(
        _ path: StaticString,
        _ members: [String: String],
        at desk: any Desk
    ) async throws(GatewayError) -> JSONDocument {
        var writer = JSONWriter()
        writer.beginObject()
        for (name, value) in members.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        let answer = try await desk.ask(site.post("\(path)", writer.take()))
        guard answer.isSuccess else { throw ChatGPTFailure.make(answer.failed(at: desk.now)) }
        return try UpstreamAnswer.parse(answer.body)
    }

    private func check(_ root: JSONValue) throws(GatewayError) {
        if root["force_login"]?.bool == true { throw .tokenRefused }
        if root["arkose"]?["required"]?.bool == true { throw .checkRequired("arkose") }
    }

    private func proof(
        _ root: JSONValue,
        _ hash: PuzzleHash,
        at desk: any Desk
    ) async throws(GatewayError) -> String? {
        guard let asked = root["proofofwork"], asked["required"]?.bool == true else { return nil }
        guard let seed = asked["seed"]?.string, seed.utf8.count <= 1024, let difficulty = asked["difficulty"]?.string,
            Puzzle.isDifficulty(difficulty.lowercased())
        else { throw .unexpectedAnswer }
        let target = difficulty.lowercased()
        if target <= settings.hardestPuzzle { throw .checkRequired("the puzzle is too hard (\(target))") }
        let puzzle = Puzzle(seed: seed, difficulty: target, hash: hash)
        guard let answer = try await puzzle.solve(settings.puzzleFacts, at: desk) else {
            throw .checkRequired("the puzzle could not be solved (\(target))")
        }
        return answer
    }

    /// What is shown with the question itself. The present form wants no work for it.
    private func offer(_ hash: PuzzleHash, at desk: any Desk) async throws(GatewayError) -> String {
        if hash == .fnv1a {
            let candidate = settings.puzzleFacts.candidate(1)
            return Puzzle.offerPrefix + String(decoding: candidate, as: UTF8.self) + hash.suffix
        }
        let random = try desk.random(4).reduce(0) { $0 << 8 | UInt64($1) }
        let puzzle = Puzzle(seed: "0.\(random)", difficulty: "0fffff", hash: hash)
        guard let answer = try await puzzle.solve(settings.puzzleFacts, prefix: Puzzle.offerPrefix, at: desk) else {
            throw GatewayError(.internalError, "An easy puzzle has no answer.")
        }
        return answer
    }
}

extension GatewayError {
    /// The site wants something of us that only a browser has.
    static func checkRequired(_ what: String) -> GatewayError {
        var error = GatewayError(
            .upstreamCheckRequired,
            "The upstream asks for a check that cannot be passed here: \(what).",
            source: .upstream,
            retry: .elsewhere
        )
        // Whether it judges the account or the address is not said. The account rests, longer each time; were all of them to
        // rest, one that is watched would end the service of those that are not.
        error.failureClass = .rateLimited
        return error
    }
}
