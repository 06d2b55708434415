import Core
import EventLoop
import HTTPCodec
import JSON

/// Logging in and out.
@LoopActor
struct SessionEndpoints {
    let authenticator: AdminAuthenticator
    let idleTime: Duration

    func logIn(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        let body = try AdminObject(request, allowing: ["username", "password"])
        let username = try body.requiredText("username")
        let password = try body.requiredText("password", most: PasswordGate.longestPassword)
        let token = try await authenticator.logIn(username: username, password: password, request)
        let cookie = SessionCookie.setting(
            token,
            seconds: Int(idleTime.components.seconds),
            isSecure: request.isSecure
        )
        var answer = try describe(user: username, token: token)
        answer.headers = [HTTPHeader("Set-Cookie", cookie)]
        return answer
    }

    func answer(
        _ request: AdminRequest,
        _ caller: AdminAuthenticator.Caller
    ) async throws(GatewayError) -> AdminAnswer {
        guard request.method == .delete else { return try describe(user: caller.user, token: caller.session) }
        guard let token = caller.session else {
            throw .invalid(nil, "This request belongs to no session.")
        }
        try await authenticator.logOut(token)
        var answer = AdminAnswer.deleted("session", "current")
        answer.headers = [HTTPHeader("Set-Cookie", SessionCookie.clearing(isSecure: request.isSecure))]
        return answer
    }

    private func describe(user: String, token: String?) throws(GatewayError) -> AdminAnswer {
        let csrf: String? = if let token { try SessionCookie.csrfToken(of: token) } else { nil }
        return AdminAnswer { writer in
            writer.beginObject()
            writer.member("object", "session")
            writer.member("user", user)
            writer.member("method", token == nil ? "basic" : "session")
            writer.member("csrf_token", csrf)
            writer.endObject()
        }
    }
}
