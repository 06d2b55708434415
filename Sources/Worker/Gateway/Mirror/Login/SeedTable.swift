import Admin
import Core
import EventLoop
import HTTPCodec
import HTTPServer
import JSON
import State

/// The operator's table of seeds and their accounts. Tokens are masked, and seeds are known by their digests alone.
@LoopActor
struct SeedTable {
    private let pages: MirrorPages
    private static let mostShown = 1000

    init(_ pages: MirrorPages) { self.pages = pages }

    func answer() async throws(GatewayError) -> MirrorPages.Answer {
        try pages.allow(.get, .post, .delete)
        guard let admin = pages.mirror.admin, let seeds = pages.mirror.seeds else { throw .noState }
        try await admin.admit(pages.request, requestID: pages.context.id)
        switch pages.request.head.method {
        case .post: return try await bind(seeds)
        case .delete: return try await remove(seeds)
        default: return try await show(seeds)
        }
    }

    private func show(_ seeds: SeedStore) async throws(GatewayError) -> MirrorPages.Answer {
        let query = MirrorQuery(pages.request.head.query ?? [])
        if let seed = query?["seed"] {
            let digest = SeedStore.digest(of: seed)
            guard let binding = try await seeds.binding(of: digest) else { throw Self.unknownSeed }
            return success { write(digest, binding, &$0) }
        }
        var found: [(String, SeedBinding)] = []
        for digest in try await seeds.seeds(count: Self.mostShown) {
            if let binding = try await seeds.binding(of: digest) { found.append((digest, binding)) }
        }
        return success { writer in
            writer.beginArray()
            for (digest, binding) in found { write(digest, binding, &writer) }
            writer.endArray()
        }
    }

    private func bind(_ seeds: SeedStore) async throws(GatewayError) -> MirrorPages.Answer {
        let root = try body()
        let seed = try text("seed", root["seed"])
        guard let pool = pages.mirror.pool else { throw .noMirrorAccount }
        let id: String
        if let given = root["token"]?.string ?? root["oai-flow-token"]?.string {
            id = AccountPool.id(of: given, pool: pool.name)
        } else {
            id = try text("token", root["account"])
        }
        guard try await pool.standing(of: id) != .gone else {
            throw .invalid("token", "There is no account with this token, or none that is enabled.", code: .notFound)
        }
        let digest = SeedStore.digest(of: seed)
        let known = try await seeds.binding(of: digest)?.account
        let bound = try await seeds.bind(
            digest,
            to: id,
            insteadOf: known == id ? nil : known,
            because: known == nil ? "" : "the operator's choice"
        )
        let binding = try await seeds.binding(of: digest) ?? SeedBinding(account: bound)
        return success { write(digest, binding, &$0) }
    }

    private func remove(_ seeds: SeedStore) async throws(GatewayError) -> MirrorPages.Answer {
        let seed = try text("seed", try body()["seed"])
        var count = 0
        if seed == "clear" {
            while case let page = try await seeds.seeds(count: Self.mostShown), !page.isEmpty {
                for digest in page where try await seeds.remove(digest) { count += 1 }
            }
        } else {
            guard try await seeds.remove(SeedStore.digest(of: seed)) else { throw Self.unknownSeed }
            count = 1
        }
        let removed = count
        return .json { writer in
            writer.member("status", "success")
            writer.member("removed", removed)
        }
    }

    private func success(_ data: (inout JSONWriter) -> Void) -> MirrorPages.Answer {
        .json { writer in
            writer.member("status", "success")
            writer.key("data")
            data(&writer)
        }
    }

    private func write(_ digest: String, _ binding: SeedBinding, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("seed", digest)
        writer.member("account", binding.account)
        writer.member("token", pages.mirror.pool?.credential(of: binding.account).map { Account.mask($0) } ?? "…")
        writer.member("created", binding.created)
        writer.member("bound", binding.bound)
        writer.member("moves", binding.moves)
        if !binding.note.isEmpty { writer.member("note", binding.note) }
        writer.endObject()
    }

    private func body() throws(GatewayError) -> JSONValue {
        guard let root = (try? JSONDocument(parsing: pages.request.body))?.root, root.isObject else {
            throw .invalid(nil, "The body must be a JSON object.", code: .invalidJSON)
        }
        return root
    }

    private func text(_ name: String, _ value: JSONValue?) throws(GatewayError) -> String {
        guard let text = value?.string, !text.isEmpty else {
            throw .invalid(name, "'\(name)' is needed.", code: .missingParameter)
        }
        return text
    }

    private static var unknownSeed: GatewayError { .invalid("seed", "There is no such seed.", code: .notFound) }
}
