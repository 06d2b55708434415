import Core
import EventLoop
import HTTPCodec
import JSON
import State

/// Tests of accounts at their upstreams: of one while the administrator waits, of a whole pool behind their back.
@LoopActor
struct ExaminationEndpoints {
    let parts: AdminParts

    func answer(_ route: AdminRoute, _ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        switch route {
        case .accountTest(let name, let id): return try await test(id, try parts.pool(name))
        case .poolTest(let name) where request.method == .post: return try await begin(try parts.pool(name))
        case .poolTest(let name): return try await progress(try parts.pool(name))
        default: throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func test(_ id: String, _ pool: AccountPool) async throws(GatewayError) -> AdminAnswer {
        let (examiner, _) = try examiner()
        guard let account = try await pool.account(id) else {
            throw .invalid(nil, "There is no such account.", code: .notFound)
        }
        let examination = try await examiner.examine(account)
        return AdminAnswer { AccountJSON.write(account, tested: examination, now: parts.now(), to: &$0) }
    }

    private func begin(_ pool: AccountPool) async throws(GatewayError) -> AdminAnswer {
        let (examiner, book) = try examiner()
        let run = ExaminationRun(began: parts.now())
        guard try await book.begin(run, pool: pool.name) else {
            throw GatewayError(.conflict, "A test of this pool goes on already.", source: .client)
        }
        let now = parts.now
        // Ends with the last account, or with the worker; then the claim on it ends as well.
        Task { @LoopActor in _ = await examiner.examineAll(of: pool, run, now: now) }
        return AdminAnswer(status: 202) { Self.write(run, goesOn: true, pool.name, to: &$0) }
    }

    private func progress(_ pool: AccountPool) async throws(GatewayError) -> AdminAnswer {
        let (_, book) = try examiner()
        guard let (run, goesOn) = try await book.run(of: pool.name) else {
            throw .invalid(nil, "This pool was not tested lately.", code: .notFound)
        }
        return AdminAnswer { Self.write(run, goesOn: goesOn, pool.name, to: &$0) }
    }

    private func examiner() throws(GatewayError) -> (PoolExamination, ExaminationBook) {
        guard let examine = parts.examine, let book = parts.examinations else {
            throw .invalid(nil, "This worker cannot test accounts.", code: .notFound)
        }
        return (PoolExamination(examine: examine, book: book), book)
    }

    private static func write(_ run: ExaminationRun, goesOn: Bool, _ pool: String, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("object", "pool_test")
        writer.member("pool", pool)
        writer.member("running", goesOn)
        run.writeMembers(to: &writer)
        writer.endObject()
    }
}
