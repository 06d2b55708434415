import Core
import EventLoop
import Providers
import State

/// New access for accounts before anybody waits for it: once for the cluster, not once a worker.
extension Gateway {
    /// How many accounts are asked for at once; more would look like an attack.
    private static let page = 100
    private static let pause = Duration.milliseconds(500)

    /// Goes through all accounts of web applications. What is not due yet is left alone, unless it is to be had anew in any
    /// case.
    package func refreshAccounts(force: Bool) async {
        for provider in providers.compactMap(\.web) {
            guard let pool = pools[provider.name], pool.isConfigured else { continue }
            var start = 0
            while let accounts = try? await pool.page(from: start, count: Self.page), !accounts.isEmpty {
                start += accounts.count
                for account in accounts where account.isEnabled && !account.credential.isEmpty {
                    let desk = lastingDesk(provider, account: account.id, key: account.credential)
                    await provider.refresh(force: force, at: desk)
                    if force { await LoopTimer.wait(Self.pause) }
                }
            }
        }
    }
}
