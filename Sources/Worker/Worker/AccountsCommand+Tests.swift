import Admin
import Core
import EventLoop
import Glibc
import State

/// `Worker accounts POOL test [ID]`
extension AccountsCommand {
    /// Tests one account or all of them, and fails when one does not work.
    @LoopActor func test(_ id: String?, _ state: CommandState) async throws -> Missing? {
        let examiner = try state.examiner(of: pool)
        defer { examiner.close() }
        guard let id else {
            let run = ExaminationRun(began: time(nil))
            guard try await state.examinations.begin(run, pool: pool) else {
                throw GatewayError(.conflict, "a test of this pool goes on already")
            }
            let ended = await examiner.examination.examineAll(of: examiner.pool, run, now: { time(nil) }) {
                tell($0, $1)
            }
            guard ended.working == ended.total else {
                throw GatewayError(.conflict, "\(ended.total - ended.working) of \(ended.total) accounts do not work")
            }
            return nil
        }
        guard let account = try await examiner.pool.account(id) else { return Missing(what: "account") }
        let examination = try await examiner.examination.examine(account)
        tell(account, examination)
        guard examination.works == true else { throw GatewayError(.conflict, "the account does not work") }
        return nil
    }

    @LoopActor private func tell(_ account: Account, _ examination: Examination) {
        if writesJSON {
            return CommandOutput.printJSON { AccountJSON.write(account, tested: examination, now: time(nil), to: &$0) }
        }
        let quotas = examination.quotas.map(\.shown).joined(separator: ", ")
        let words = [account.id, examination.shown, quotas, examination.note ?? ""].filter { !$0.isEmpty }
        StandardStreams.print(words.joined(separator: "  "))
    }
}

extension Examination {
    /// In a word, for a column.
    var shown: String {
        let verdict =
            switch works {
            case true?: "works"
            case false?: "refused"
            case nil: "unknown"
            }
        return plan.map { "\(verdict) (\($0))" } ?? verdict
    }
}

extension Examination.Quota {
    fileprivate var shown: String {
        let left = remaining.map(String.init) ?? "?"
        return "\(model): \(left)" + (total.map { " of \($0)" } ?? "") + (wait.map { ", more in \($0) s" } ?? "")
    }
}
