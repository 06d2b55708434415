import Core
import HTTPCodec

/// What a path of the mirror's asks for.
enum MirrorRoute: Equatable {
    /// Something that the site answers.
    case site
    case logIn
    case logOut
    case signIn
    case signOut
    case csrf
    case providers
    case session
    case refresh
    /// The operator's table of seeds.
    case seeds

    /// Nothing for paths of others. With or without a slash at the end, which clients of the site differ in.
    init?(_ path: ArraySlice<UInt8>) {
        for prefix in ["/backend-api/", "/backend-anon/", "/public-api/"] as [StaticString]
        where path.prefix(prefix.utf8CodeUnitCount).equals(prefix) {
            self = .site
            return
        }
        let path = path.last == UInt8(ascii: "/") ? path.dropLast() : path
        if path.prefix(12).equals("/auth/login/") || path.prefix(17).equals("/api/auth/signin/")
            || path.prefix(19).equals("/api/auth/callback/")
        {
            self = .logIn
            return
        }
        for (known, route) in Self.fixed where path.equals(known) {
            self = route
            return
        }
        return nil
    }

    private static let fixed: [(StaticString, MirrorRoute)] = [
        ("/auth/login", .logIn), ("/auth/logout", .logOut), ("/auth/refresh", .refresh),
        ("/api/auth/signin", .signIn), ("/api/auth/signout", .signOut), ("/api/auth/csrf", .csrf),
        ("/api/auth/providers", .providers), ("/api/auth/session", .session), ("/seedtoken", .seeds),
    ]
}
