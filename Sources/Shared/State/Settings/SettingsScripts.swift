internal import Redis

extension StateScripts {
    static let readSettings = RedisScript("settings-read", source: PackageResources.settings_read_lua)
    static let changeSetting = RedisScript("settings-change", source: PackageResources.settings_change_lua)
}
