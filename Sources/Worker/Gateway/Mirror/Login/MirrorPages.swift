import Core
import Crypto
import EventLoop
import HTTPCodec
import HTTPServer
import JSON
import Providers
import State

/// What the mirror answers itself: the ways in and out, and who a visitor is. Cookies are out of the reach of scripts.
@LoopActor
struct MirrorPages {
    let mirror: Mirror
    let request: ServerRequest
    let context: RequestContext
    private let route: MirrorRoute
    private static let formLimit = 64 << 10
    /// Long, but not forever: about a year.
    private static let lifetime = 34_560_000

    init(_ mirror: Mirror, _ request: ServerRequest, _ route: MirrorRoute, _ context: RequestContext) {
        self.mirror = mirror
        self.request = request
        self.route = route
        self.context = context
    }

    func begin() {
        // Ends with the answers of Redis and of the site, which have deadlines.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                guard request.body.count <= Self.formLimit else {
                    throw .invalid(nil, "The body is too large for this path.", code: .bodyTooLarge)
                }
                if SameOrigin.isForeign(request.head) { throw .foreign }
                let answer = try await answer()
                send(answer)
                mirror.gateway.settle(context, .done)
            } catch {
                mirror.gateway.refuse(error, context)
            }
        }
    }

    struct Answer {
        var status = 200
        var body: [UInt8] = []
        var type: StaticString = "application/json"
        var headers: [HTTPHeader] = []

        static func page(_ body: [UInt8], status: Int = 200) -> Answer {
            var answer = Answer(status: status, body: body, type: "text/html; charset=utf-8")
            answer.headers = [
                HTTPHeader("Content-Security-Policy", LogInPage.policy), HTTPHeader("Referrer-Policy", "no-referrer"),
                HTTPHeader("X-Frame-Options", "DENY"),
            ]
            return answer
        }

        static func redirect(_ place: String, _ status: Int) -> Answer {
            Answer(status: status, headers: [HTTPHeader("Location", place)])
        }

        static func json(_ write: (inout JSONWriter) -> Void) -> Answer {
            var writer = JSONWriter()
            writer.beginObject()
            write(&writer)
            writer.endObject()
            return Answer(body: writer.take())
        }
    }

    private func send(_ answer: Answer) {
        context.exchange.respond(status: answer.status, body: answer.body) { output in
            AnswerHeaders.append(context, contentType: answer.type, to: &output)
            output.appendHeaderLine("Cache-Control: no-store")
            output.appendHeaderLine("X-Content-Type-Options: nosniff")
            for header in answer.headers { output.appendHeader(header) }
            if let sign = mirror.options.sign { output.appendHeader("X-Sign", sign) }
        }
    }

    private func answer() async throws(GatewayError) -> Answer {
        switch route {
        case .site: throw GatewayError(.internalError, "The site answers this.")
        case .logIn:
            try allow(.get)
            return isLoggedIn ? .redirect("/", 307) : .page(LogInPage.logIn())
        case .logOut:
            try allow(.get)
            return isLoggedIn ? .page(LogInPage.logOut) : .redirect("/", 307)
        case .signIn: return try await signIn()
        case .signOut: return try signOut()
        case .csrf:
            try allow(.get)
            let token = try csrfToken()
            return .json { $0.member("csrfToken", token) }
        case .providers: return providers
        case .session:
            try allow(.get)
            return session
        case .refresh: return try await TokenRenewal(self).answer()
        case .seeds: return try await SeedTable(self).answer()
        }
    }

    func allow(_ methods: HTTPMethod...) throws(GatewayError) {
        let method = request.head.method == .head ? .get : request.head.method
        guard methods.contains(method) else {
            let names = methods.map(\.rawValue).joined(separator: ", ")
            throw .invalid(nil, "This path takes \(names) requests only.", code: .methodNotAllowed)
        }
    }

    // MARK: In and out

    private var cookie: MirrorToken? { MirrorToken(request.head).flatMap { $0.isFromCookie ? $0 : nil } }
    private var isLoggedIn: Bool { cookie != nil }
    private var isSecure: Bool { context.scheme == "https" }

    private func signIn() async throws(GatewayError) -> Answer {
        try allow(.get, .post)
        let isForm = request.head.method == .post
        let fields = isForm ? MirrorQuery(request.body) : MirrorQuery(request.head.query ?? [])
        let word = trimmed(fields?["signin"] ?? "")
        if !isForm, isLoggedIn { return .redirect("/", 307) }
        guard !word.isEmpty else {
            return isForm ? .json { $0.member("url", "/auth/login") } : .redirect("/auth/login", 307)
        }
        guard let text = MirrorToken.checked(Array(word.utf8)) else { return .page(Self.unknown, status: 401) }
        let token = MirrorToken(text, isFromCookie: false)
        do throws(GatewayError) {
            _ = try await mirror.reception.visitor(token)
        } catch {
            guard error.source == .client else { throw error }
            return .page(Self.unknown, status: error.status)
        }
        // A browser that was sent by a form comes back with GET.
        var answer = Answer.redirect("/", isForm ? 303 : 307)
        answer.headers.append(HTTPHeader("Set-Cookie", setting(token.cookieValue, seconds: Self.lifetime)))
        return answer
    }

    private static let unknown = LogInPage.logIn(problem: "This token or key is not accepted.")

    private func signOut() throws(GatewayError) -> Answer {
        try allow(.get, .post)
        if request.head.method == .post {
            let fields = MirrorQuery(request.body)
            // Scripts of the site's pages want to be told where to go.
            var answer =
                fields?["json"] == "true"
                ? Answer.json { $0.member("url", "/auth/login") } : .redirect("/auth/login", 303)
            answer.headers.append(HTTPHeader("Set-Cookie", setting("", seconds: 0)))
            return answer
        }
        guard isLoggedIn else { return .redirect("/auth/login", 307) }
        let query = MirrorQuery(request.head.query ?? [])
        guard query?["signout"] == "true", let shown = query?["csrfToken"],
            SecretComparison.areEqual(shown, try csrfToken())
        else { return .redirect("/auth/logout", 307) }
        var answer = Answer.redirect("/", 307)
        answer.headers.append(HTTPHeader("Set-Cookie", setting("", seconds: 0)))
        return answer
    }

    private func setting(_ value: String, seconds: Int) -> String {
        "\(MirrorToken.cookie)=\(value); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(seconds)"
            + (isSecure ? "; Secure" : "")
    }

    /// 64 hexadecimal digits that only the visitor's own pages can read, and that do not tell the token.
    private func csrfToken() throws(GatewayError) -> String {
        do throws(CryptoError) {
            guard let cookie else { return try SecureRandom.hex(bytes: 32) }
            let key = SHA256Digest(of: "mirror csrf\n" + cookie.text).bytes
            return Hex.encode(try HMACSHA256.authenticate(Array("sign out".utf8), key: key))
        } catch {
            throw GatewayError(.internalError, "No token can be made.")
        }
    }

    private func trimmed(_ text: String) -> String {
        String(text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    // MARK: Who a visitor is

    private var providers: Answer {
        .json { writer in
            writer.key("login-web")
            writer.beginObject()
            writer.member("id", "login-web")
            writer.member("name", "Token")
            writer.member("type", "oauth")
            writer.member("signinUrl", "/api/auth/signin")
            writer.member("callbackUrl", "/api/auth/callback/login-web")
            writer.endObject()
        }
    }

    private var session: Answer {
        guard let token = MirrorToken(request.head) else { return Answer(body: Array("{}".utf8)) }
        let claims = AccessTokenClaims(token.text)
        return .json { writer in
            writer.key("user")
            writer.beginObject()
            writer.member("id", claims?.user ?? "user-\(SeedStore.digest(of: token.text).prefix(24))")
            if let email = claims?.email { writer.member("email", email) }
            writer.endObject()
            writer.member("expires", "9999-12-31T00:00:00.000Z")
            writer.member("accessToken", token.cookieValue)
            writer.member("authProvider", "mirror")
        }
    }
}
