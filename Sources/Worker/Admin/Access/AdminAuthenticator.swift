import Core
import Crypto
import EventLoop
import HTTPCodec
import State

/// Who asks the administration: somebody with the password in each request, or with a session.
@LoopActor
final class AdminAuthenticator {
    struct Caller: Sendable {
        let user: String
        /// The token of the caller's session; nothing when the request brought the password itself.
        let session: String?
    }

    private let gate: PasswordGate
    private let sessions: AdminSessions
    private let limits: LoginLimits
    private let log: Log
    private var verified: VerifiedCredentials

    init(gate: PasswordGate, sessions: AdminSessions, limits: LoginLimits, log: Log) throws(GatewayError) {
        do throws(CryptoError) {
            verified = VerifiedCredentials(key: try SecureRandom.bytes(32))
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
        self.gate = gate
        self.sessions = sessions
        self.limits = limits
        self.log = log
    }

    func authenticate(_ request: AdminRequest) async throws(GatewayError) -> Caller {
        if let value = request.head.first("authorization") {
            guard let credentials = BasicCredentials(value) else { throw Self.refusal }
            try await check(credentials, request)
            return Caller(user: credentials.username, session: nil)
        }
        guard let token = SessionCookie.token(request.head), let session = try await sessions.find(token),
            SecretComparison.areEqual(session.fingerprint, try await gate.fingerprint())
        else { throw Self.refusal }
        if request.changesState { try Self.checkMeant(request, token) }
        return Caller(user: session.user, session: token)
    }

    /// Begins a session; returns its token.
    func logIn(username: String, password: String, _ request: AdminRequest) async throws(GatewayError) -> String {
        try await tryPassword(username: username, password: password, request)
        let fingerprint = try await gate.fingerprint()
        let token = try await sessions.begin(user: username, fingerprint: fingerprint).token
        log(.info, "admin log-in", LogField("request_id", request.id), LogField("client", request.client))
        return token
    }

    func logOut(_ token: String) async throws(GatewayError) { try await sessions.end(token) }

    private func check(_ credentials: BasicCredentials, _ request: AdminRequest) async throws(GatewayError) {
        if verified.holds(credentials, from: request.client, at: LoopClock.now) { return }
        try await tryPassword(username: credentials.username, password: credentials.password, request)
        verified.remember(credentials, from: request.client, at: LoopClock.now)
    }

    private func tryPassword(
        username: String,
        password: String,
        _ request: AdminRequest
    ) async throws(GatewayError) {
        do throws(GatewayError) {
            let attempt = try await limits.begin(address: request.client, name: username)
            guard try await gate.accepts(username: username, password: password) else { throw Self.refusal }
            await limits.succeeded(attempt)
        } catch {
            log(
                .warning,
                "admin log-in failed",
                LogField("request_id", request.id),
                LogField("client", request.client),
                LogField("user", String(username.prefix(64))),
                LogField("error", error.label)
            )
            throw error
        }
    }

    private static func checkMeant(_ request: AdminRequest, _ token: String) throws(GatewayError) {
        guard let sent = request.head.first("x-csrf-token"),
            SecretComparison.areEqual(Array(sent), Array(try SessionCookie.csrfToken(of: token).utf8))
        else {
            throw .invalid(
                "X-CSRF-Token",
                "The X-CSRF-Token header must carry the token that came with the session.",
                code: .permissionDenied
            )
        }
    }

    /// The same words whatever is wrong.
    private static var refusal: GatewayError {
        .invalid(nil, "The administration needs the administrator's log-in.", code: .invalidCredentials)
    }
}
