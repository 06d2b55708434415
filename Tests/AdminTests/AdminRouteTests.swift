import Core
import HTTPCodec
import Testing

@testable import Admin

@Suite("Routes of the administration")
struct AdminRouteTests {
    @Test(
        "Paths lead where they are documented to",
        arguments: [
            ("session", AdminRoute.session), ("keys", .keys), ("keys/ab12", .key("ab12")),
            ("keys/ab12/usage", .keyUsage("ab12")), ("keys/ab12/budgets/1/reset", .budgetReset("ab12", 1)),
            ("pools", .pools), ("pools/openai/accounts", .accounts(pool: "openai")),
            ("pools/openai/accounts/a%2Fb", .account(pool: "openai", id: "a/b")),
            ("pools/openai/accounts/x/clear-cooldown", .clearCooldown(pool: "openai", id: "x")),
            ("pools/openai/accounts/x/test", .accountTest(pool: "openai", id: "x")),
            ("pools/openai/test-all", .poolTest("openai")), ("cooldowns", .cooldowns),
            ("usage", .usage), ("logs", .logs), ("settings", .settings),
            ("settings/retry_times", .setting("retry_times")), ("workers", .workers), ("prices", .prices),
        ]
    )
    func known(_ path: String, _ expected: AdminRoute) {
        #expect(AdminRoute(Array("/admin/api/\(path)".utf8)[...]) == expected)
    }

    @Test(
        "What is not documented leads nowhere",
        arguments: [
            "", "Keys", "keys/", "keys//usage", "keys/a/use", "keys/a/budgets/x/reset", "keys/a/budgets/1",
            "pools/openai", "pools/openai/account", "session/x", "workers/", "keys/%0A", "keys/%ff", "keys/%4",
        ]
    )
    func unknown(_ path: String) {
        #expect(AdminRoute(Array("/admin/api/\(path)".utf8)[...]) == nil)
    }

    @Test("Everything can be read but what only acts")
    func methods() {
        #expect(AdminRoute.keys.methods == [.get, .post])
        #expect(AdminRoute.account(pool: "a", id: "b").methods == [.get, .patch, .delete])
        #expect(AdminRoute.clearCooldown(pool: "a", id: "b").methods == [.post])
        #expect(AdminRoute.accounts(pool: "a").methods == [.get, .post, .delete])
        #expect(AdminRoute.accountTest(pool: "a", id: "b").methods == [.post])
        #expect(AdminRoute.poolTest("a").methods == [.get, .post])
        #expect(AdminRoute.setting("x").methods == [.get, .put, .delete])
    }
}
