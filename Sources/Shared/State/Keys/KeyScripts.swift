internal import Redis

extension StateScripts {
    static let updateKey = RedisScript("key-update", source: PackageResources.key_update_lua)
}
