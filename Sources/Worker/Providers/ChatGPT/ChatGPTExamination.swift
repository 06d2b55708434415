internal import Core
internal import HTTPCodec
internal import JSON

/// Finds out whether an account is let in, and what it pays for.
struct ChatGPTExamination: Sendable {
    let settings: ChatGPTSettings
    let desk: any Desk

    func findings() async throws(GatewayError) -> AccountFindings {
        let visit = ChatGPTVisit(settings, desk, workspace: nil)
        let site: ChatGPTSite
        let answer: DeskAnswer
        do throws(GatewayError) {
            (site, answer) = try await asked(visit)
        } catch {
            guard error.failureClass == .credentialsRefused else { throw error }
            return AccountFindings(works: false, note: error.message)
        }
        guard answer.isSuccess else {
            let error = ChatGPTFailure.make(answer.failed(at: desk.now))
            guard error.failureClass == .credentialsRefused || error.failureClass == .modelForbidden else {
                throw error
            }
            return AccountFindings(works: false, note: error.message)
        }
        let root = try UpstreamAnswer.parse(answer.body).root
        let account = Self.account(root, wanted: site.workspace)
        if account?["is_deactivated"]?.bool == true {
            return AccountFindings(
                works: false,
                plan: account?["plan_type"]?.string,
                note: "The account is deactivated."
            )
        }
        let plan = account?["plan_type"]?.string ?? AccessTokenClaims(site.access)?.plan
        return AccountFindings(works: true, plan: plan, note: AccessTokenClaims(site.access)?.email.map(Self.masked))
    }

    private func asked(_ visit: ChatGPTVisit) async throws(GatewayError) -> (ChatGPTSite, DeskAnswer) {
        let path = "/accounts/check/v4-2023-04-27"
        let session = try await ChatGPTSignOn(settings).session(at: desk)
        let site = visit.site(settings.bases[0], session)
        let answer = try await desk.ask(site.get(path))
        guard answer.status == 401, ChatGPTCredential(desk.key).isRenewable else { return (site, answer) }
        let renewed = visit.site(
            settings.bases[0],
            try await ChatGPTSignOn(settings).session(at: desk, refused: session.access)
        )
        return (renewed, try await desk.ask(renewed.get(path)))
    }

    /// The workspace that is asked for, else the one that comes first.
    private static func account(_ root: JSONValue, wanted: String?) -> JSONValue? {
        guard let accounts = root["accounts"] else { return nil }
        let first = root["account_ordering"]?[0]?.string
        let named = (wanted ?? first).flatMap { accounts.member(named: $0) }
        return (named ?? accounts["default"] ?? accounts.members.first { _ in true }?.value)?["account"]
    }

    /// `a…@example.org`
    private static func masked(_ address: String) -> String {
        let parts = address.split(separator: "@", maxSplits: 1)
        guard parts.count == 2, let first = parts[0].first else { return "" }
        return "\(first)…@\(parts[1].prefix(100))"
    }
}
