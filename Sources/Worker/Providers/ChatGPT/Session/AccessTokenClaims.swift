internal import Core
internal import JSON

/// What an access token says of itself. Nobody checks its signature here: it is the upstream that must believe it.
package struct AccessTokenClaims: Sendable, Equatable {
    /// In seconds since 1970.
    package var expires: Int?
    package var account: String?
    package var user: String?
    package var plan: String?
    package var email: String?

    /// Nothing where the token is not of the kind that says something.
    package init?(_ token: String) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let payload = Base64.url.decode(String(parts[1])),
            let claims = (try? JSONDocument(parsing: payload))?.root, claims.isObject
        else { return nil }
        if let number = claims["exp"]?.double, number > 0, number < 1e11 { expires = Int(number) }
        let auth = claims["https://api.openai.com/auth"]
        account = auth?["chatgpt_account_id"]?.string
        user = auth?["chatgpt_user_id"]?.string
        plan = auth?["chatgpt_plan_type"]?.string
        email = claims["https://api.openai.com/profile"]?["email"]?.string
    }
}
