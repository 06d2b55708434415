package import Core
package import EventLoop
internal import HTTPCodec
package import HTTPServer
internal import JSON
internal import OpenAIAPI
internal import State

/// The administration of the cluster, below `/admin/api`: the same on every worker, since whatever it shows and changes is
/// shared.
///
/// It knows only the administrator, never the API keys; without `ADMIN_PASSWORD` and Redis there is nothing here.
@LoopActor
package final class AdminService {
    /// The largest request body.
    static let bodyLimit = 1 << 20

    private let parts: AdminParts
    private let authenticator: AdminAuthenticator?

    package init(_ parts: AdminParts) throws(GatewayError) {
        self.parts = parts
        guard let password = parts.password, let redis = parts.redis else {
            authenticator = nil
            return
        }
        authenticator = try AdminAuthenticator(
            gate: PasswordGate(username: parts.username, password: password, cost: parts.passwordCost),
            sessions: AdminSessions(redis: redis, options: parts.sessions),
            limits: LoginLimits(redis: redis, options: parts.logins),
            log: parts.log
        )
    }

    /// Answers a request whose path begins with `/admin/api`; `completion` is told the status once the answer is written.
    package func handle(
        _ request: ServerRequest,
        _ exchange: Exchange,
        requestID: String,
        completion: @escaping @LoopActor (_ status: Int) -> Void
    ) {
        let asked = AdminRequest(head: request.head, body: request.body, id: requestID)
        // Ends with the answers of Redis and of the password gate, which both have bounds.
        Task.immediate { @LoopActor in
            let status: Int
            do throws(GatewayError) {
                let answer = try await self.answer(asked)
                status = answer.status
                exchange.respond(status: status, body: answer.body) { output in
                    Self.appendHeaders(asked, to: &output)
                    for header in answer.headers { output.appendHeader(header) }
                }
            } catch {
                status = error.status
                self.refuse(error, asked, exchange)
            }
            completion(status)
        }
    }

    /// Lets the administrator in at a path of somebody else's, and nobody else.
    package func admit(_ request: ServerRequest, requestID: String) async throws(GatewayError) {
        guard let authenticator else {
            throw .invalid(nil, "The administration is off: it needs ADMIN_PASSWORD and REDIS_URL.", code: .notFound)
        }
        let asked = AdminRequest(head: request.head, id: requestID)
        guard !asked.isForeign else {
            throw .invalid("Origin", "Pages of other sites may not ask for this.", code: .permissionDenied)
        }
        _ = try await authenticator.authenticate(asked)
    }

    private func answer(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        guard let authenticator else {
            throw .invalid(nil, "The administration is off: it needs ADMIN_PASSWORD and REDIS_URL.", code: .notFound)
        }
        guard request.body.count <= Self.bodyLimit else {
            throw .invalid(nil, "The body may have \(Self.bodyLimit) bytes at most.", code: .bodyTooLarge)
        }
        guard !request.isForeign else {
            throw .invalid("Origin", "Pages of other sites may not ask for this.", code: .permissionDenied)
        }
        let route = AdminRoute(request.head.path)
        let sessions = SessionEndpoints(authenticator: authenticator, idleTime: parts.sessions.idleTime)
        if route == .session, request.method == .post { return try await sessions.logIn(request) }
        let caller = try await authenticator.authenticate(request)
        guard let route else { throw .invalid(nil, "There is nothing at this path.", code: .notFound) }
        guard route.methods.contains(request.method) else {
            let methods = route.methods.map(\.rawValue).joined(separator: ", ")
            throw .invalid(nil, "This path takes \(methods) requests only.", code: .methodNotAllowed)
        }
        if route == .session { return try await sessions.answer(request, caller) }
        let answer = try await AdminEndpoints(parts: parts).answer(route, request, caller)
        if request.changesState { note(request, caller, answer.status) }
        return answer
    }

    /// Who changed what: paths name objects by ids and digests, so there is no secret in them.
    private func note(_ request: AdminRequest, _ caller: AdminAuthenticator.Caller, _ status: Int) {
        parts.log(
            .info,
            "admin change",
            LogField("request_id", request.id),
            LogField("user", caller.user),
            LogField("client", request.client),
            LogField("method", request.method.rawValue),
            LogField("path", request.head.path.text),
            LogField("status", status)
        )
    }

    private func refuse(_ error: GatewayError, _ request: AdminRequest, _ exchange: Exchange) {
        if error.source != .client {
            parts.log(
                error.logLevel,
                "admin request failed",
                LogField("request_id", request.id),
                LogField("error", error.label),
                LogField("cause", error.cause ?? "")
            )
        }
        exchange.respond(status: error.status, body: ErrorBody.bytes(error, requestID: request.id)) { output in
            Self.appendHeaders(request, to: &output)
            if let seconds = error.retryAfter { output.appendHeader("Retry-After", decimal: seconds) }
            if error.code == .methodNotAllowed, let route = AdminRoute(request.head.path) {
                output.appendHeader("Allow", route.methods.map(\.rawValue).joined(separator: ", "))
            }
            if error.code == .invalidCredentials, !request.isFromPage {
                output.appendHeaderLine("WWW-Authenticate: Basic realm=\"Millrace\", charset=\"UTF-8\"")
            }
        }
    }

    private static func appendHeaders(_ request: AdminRequest, to output: inout ByteBuffer) {
        output.appendHeaderLine("Content-Type: application/json")
        output.appendHeaderLine("Cache-Control: no-store")
        output.appendHeaderLine("X-Content-Type-Options: nosniff")
        output.appendHeader("X-Request-ID", request.id)
    }
}
