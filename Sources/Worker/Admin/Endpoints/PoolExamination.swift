package import Core
package import EventLoop
package import State

/// Tests accounts and writes down what came of it.
@LoopActor
package struct PoolExamination {
    /// How many accounts are tested at once: upstreams look at how much comes from one address.
    private static let width = 2
    private static let pageSize = 100

    private let ask: @LoopActor (Account) async throws(GatewayError) -> Examination
    private let book: ExaminationBook

    package init(
        examine: @escaping @LoopActor (Account) async throws(GatewayError) -> Examination,
        book: ExaminationBook
    ) {
        ask = examine
        self.book = book
    }

    /// Fails where the upstream's answer says nothing of the account.
    package func examine(_ account: Account) async throws(GatewayError) -> Examination {
        let examination = try await ask(account)
        try await book.note(examination, of: account.id, pool: account.pool)
        return examination
    }

    /// Of each account, whatever becomes of the others; a failure is written down as such.
    package func examineAll(
        of pool: AccountPool,
        _ begun: ExaminationRun,
        now: @escaping @LoopActor () -> Int,
        told: @LoopActor (Account, Examination) -> Void = { _, _ in }
    ) async -> ExaminationRun {
        var run = begun
        var accounts: [Account] = []
        while let page = try? await pool.page(from: accounts.count, count: Self.pageSize) {
            accounts += page
            if page.count < Self.pageSize { break }
        }
        run.total = accounts.count
        var rest = accounts[...]
        while !rest.isEmpty {
            let tests = rest.prefix(Self.width).map { account in
                (account, Task.immediate { @LoopActor in await outcome(of: account, now: now) })
            }
            rest = rest.dropFirst(Self.width)
            for (account, test) in tests {
                let examination = await test.value
                run.count(examination)
                told(account, examination)
            }
            // Whoever looks sees an older number then.
            try? await book.note(run, pool: pool.name)
        }
        run.ended = now()
        try? await book.note(run, pool: pool.name)
        return run
    }

    private func outcome(of account: Account, now: @LoopActor () -> Int) async -> Examination {
        do throws(GatewayError) {
            return try await examine(account)
        } catch {
            let failed = Examination(at: now(), works: nil, note: error.message)
            try? await book.note(failed, of: account.id, pool: account.pool)
            return failed
        }
    }
}
