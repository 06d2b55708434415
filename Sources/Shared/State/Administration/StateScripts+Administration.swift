internal import Redis

extension StateScripts {
    static let adminAttempt = RedisScript("admin-attempt", source: PackageResources.admin_attempt_lua)
    static let adminSuccess = RedisScript("admin-success", source: PackageResources.admin_success_lua)
    static let adminSession = RedisScript("admin-session", source: PackageResources.admin_session_lua)
    static let createAdminSession = RedisScript(
        "admin-session-create",
        source: PackageResources.admin_session_create_lua
    )
}
