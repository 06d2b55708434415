internal import Redis

extension StateScripts {
    static let reserveLimits = limitScript("limit-reserve", PackageResources.limit_reserve_lua)
    static let settleLimits = limitScript("limit-settle", PackageResources.limit_settle_lua)
    static let releaseLimits = limitScript("limit-release", PackageResources.limit_release_lua)
    static let renewLimits = limitScript("limit-renew", PackageResources.limit_renew_lua)
    static let readLimits = limitScript("limit-usage", PackageResources.limit_usage_lua)
    static let forgetLimits = limitScript("limit-forget", PackageResources.limit_forget_lua)

    /// All of them begin with what they have in common.
    private static func limitScript(_ name: String, _ source: [UInt8]) -> RedisScript {
        RedisScript(name, source: PackageResources.limit_common_lua + source)
    }
}
