internal import Redis

extension StateScripts {
    static let leaseAccount = poolScript("account-lease", PackageResources.account_lease_lua)
    static let reportAccount = poolScript("account-report", PackageResources.account_report_lua)
    static let registerAccounts = poolScript("account-register", PackageResources.account_register_lua)
    static let writeAccount = poolScript("account-write", PackageResources.account_write_lua)
    static let enableAccount = poolScript("account-enable", PackageResources.account_enable_lua)
    static let removeAccount = poolScript("account-remove", PackageResources.account_remove_lua)
    static let clearCooldown = poolScript("account-clear", PackageResources.account_clear_lua)
    static let readAccounts = poolScript("account-read", PackageResources.account_read_lua)
    static let resealAccount = poolScript("account-reseal", PackageResources.account_reseal_lua)
    static let renewLeases = RedisScript("account-renew", source: PackageResources.account_renew_lua)

    /// Redis has no libraries for scripts that live in the client: what they share is put in front of each.
    private static func poolScript(_ name: String, _ source: [UInt8]) -> RedisScript {
        RedisScript(name, source: PackageResources.account_common_lua + source)
    }
}
