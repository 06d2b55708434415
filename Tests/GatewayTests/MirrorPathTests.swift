import Core
import HTTPCodec
import Testing

@testable import Gateway

@Suite("Paths of the mirror")
struct MirrorPathTests {
    private func path(_ text: String) -> MirrorPath? {
        let parts = text.split(separator: "?", maxSplits: 1)
        return try? MirrorPath(Array(parts[0].utf8)[...], query: parts.count > 1 ? Array(parts[1].utf8)[...] : nil)
    }

    @Test(
        "A path goes on as it was judged",
        arguments: [
            ("/backend-api/me", "/backend-api/me"), ("/backend-anon/me", "/backend-api/me"),
            ("/public-api/gizmos/x", "/public-api/gizmos/x"), ("/backend-api/%6De", "/backend-api/me"),
            ("/backend-api/a%20b?x=%41&y", "/backend-api/a%20b?x=%41&y"), ("/backend-api/a/", "/backend-api/a/"),
            ("/backend-api/%E5%A4%9C", "/backend-api/%E5%A4%9C"), ("/backend-api/a+b", "/backend-api/a%2Bb"),
            ("/backend-api/@evil.example", "/backend-api/@evil.example"),
        ]
    )
    func rewritten(sent: String, target: String) { #expect(path(sent)?.target == target) }

    @Test(
        "A path that can be read in two ways is refused",
        arguments: [
            "/backend-api/..", "/backend-api/../x", "/backend-api/%2e%2E/x", "/backend-api/.", "/backend-api/a/%2e/b",
            "/backend-api//a", "/backend-api/a//b", "/backend-api/a%2fb", "/backend-api/a%5Cb", "/backend-api/a%252e",
            "/backend-api/..;x", "/backend-api/..a", "/backend-api/a%3fb", "/backend-api/a%23b", "/backend-api/%00",
            "/backend-api/%0a", "/backend-api/%7f", "/backend-api/%zz", "/backend-api/%c3", "/other/x", "/",
            "/backend-api/", "/backend-apix/a",
        ]
    )
    func refused(sent: String) { #expect(path(sent) == nil) }

    @Test("Words are compared without their case, segments keep it")
    func words() {
        let path = path("/backend-api/Conversation/AbC")
        #expect(path?.words == ["conversation", "abc"])
        #expect(path?.segments == ["Conversation", "AbC"])
    }

    @Test(
        "Routes of the mirror are known",
        arguments: [
            ("/backend-api/x", MirrorRoute.site), ("/backend-anon/x", .site), ("/public-api/x", .site),
            ("/auth/login", .logIn), ("/auth/login/", .logIn), ("/auth/login/x", .logIn), ("/auth/logout", .logOut),
            ("/api/auth/signin", .signIn), ("/api/auth/signin/", .signIn), ("/api/auth/signin/x", .logIn),
            ("/api/auth/callback/x", .logIn), ("/api/auth/signout/", .signOut), ("/api/auth/csrf", .csrf),
            ("/api/auth/providers", .providers), ("/api/auth/session", .session), ("/auth/refresh", .refresh),
            ("/seedtoken", .seeds),
        ]
    )
    func routes(path: String, route: MirrorRoute) { #expect(MirrorRoute(Array(path.utf8)[...]) == route) }

    @Test("Other paths are not the mirror's", arguments: ["/", "/backend-api", "/auth", "/v1/models", "/api/chat"])
    func others(path: String) { #expect(MirrorRoute(Array(path.utf8)[...]) == nil) }

    @Test("Queries are read in one way only")
    func queries() {
        let query = MirrorQuery("a=1&b=x+y%26&a=2&c&%62=z".utf8)
        #expect(query?["a"] == "1" && query?["b"] == "x y&" && query?["c"] == "")
        #expect(query?.pairs.count == 5)
        #expect(MirrorQuery("a=%zz".utf8) == nil)
        #expect(MirrorQuery("a=%00".utf8) == nil)
    }
}
