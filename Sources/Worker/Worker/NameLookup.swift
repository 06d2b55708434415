import Glibc

/// How the system looks up names in this process.
enum NameLookup {
    /// Asks a name server again after a second.
    ///
    /// By default glibc waits five for an answer, as long as `CONNECT_TIMEOUT`, so that one lost datagram made a failed
    /// connection of it, and three of those made the account rest on all workers. Whoever has set options keeps them.
    static func askAgainSoon() {
        unsafe setenv("RES_OPTIONS", "timeout:1 attempts:4", 0)
    }
}
