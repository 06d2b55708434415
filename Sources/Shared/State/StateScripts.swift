internal import Redis

/// The Lua scripts of this module, one file each in `Scripts`, built into the program.
enum StateScripts {
    static let createKey = RedisScript("key-create", source: PackageResources.key_create_lua)
    static let enableKey = RedisScript("key-enable", source: PackageResources.key_enable_lua)
    static let removeKey = RedisScript("key-remove", source: PackageResources.key_remove_lua)
    static let listKeys = RedisScript("key-list", source: PackageResources.key_list_lua)
}
