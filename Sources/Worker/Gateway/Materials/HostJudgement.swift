import Upstream

/// Judges the host of an address that a stranger has named, before it is looked up. Where the connection is made here, its
/// address is checked as well; behind a proxy this is all that can be checked.
enum HostJudgement {
    /// Whether the host can be one of the public network: a full name, or a plain public IPv4 address.
    static func mayBePublic(_ authority: Substring) -> Bool {
        // An IPv6 address; nobody has images there.
        if authority.contains("[") { return false }
        var host = authority.prefix { $0 != ":" }.lowercased()
        if host.hasSuffix(".") { host.removeLast() }
        let labels = host.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, let last = labels.last, !last.isEmpty else { return false }
        if isNumber(last) {
            let bytes = labels.compactMap { label in label.first == "0" && label.count > 1 ? nil : UInt8(label) }
            return labels.count == 4 && bytes.count == 4 && AddressPolicy.isPublic(bytes)
        }
        return !["localhost", "local", "internal", "lan", "home", "intranet", "corp", "arpa"].contains(String(last))
    }

    /// Whether the system's resolver would take a name that ends so for an IPv4 address, in whatever spelling.
    private static func isNumber(_ label: Substring) -> Bool {
        label.hasPrefix("0x") || label.allSatisfy { ("0"..."9").contains($0) }
    }
}
