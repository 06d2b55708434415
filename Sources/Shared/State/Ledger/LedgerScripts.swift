internal import Redis

extension StateScripts {
    static let writeLedger = RedisScript("ledger-write", source: PackageResources.ledger_write_lua)
    static let readLedger = RedisScript("ledger-read", source: PackageResources.ledger_read_lua)
}
