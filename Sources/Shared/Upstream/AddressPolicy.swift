/// Which addresses a client may connect to that fetches what strangers name: the wide world only. Everything inside a
/// machine, a site or a provider's network is refused, whatever name led there.
package enum AddressPolicy {
    /// Whether an IPv4 address (4 bytes) or an IPv6 address (16 bytes) belongs to the public network.
    package static func isPublic(_ address: [UInt8]) -> Bool {
        switch address.count {
        case 4: isPublic4(address[0], address[1], address[2], address[3])
        case 16: isPublic6(address)
        default: false
        }
    }

    private static func isPublic4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> Bool {
        switch (a, b) {
        // This host, private networks, loopback, multicast and what is reserved above it.
        case (0, _), (10, _), (127, _), (224...255, _): false
        // Shared space of carriers.
        case (100, 64...127): false
        // Link-local, where clouds keep their credentials.
        case (169, 254): false
        case (172, 16...31), (192, 168): false
        // Protocol assignments, documentation, the former 6to4 relay, benchmarks.
        case (192, 0): c != 0 && c != 2
        case (192, 88): c != 99
        case (198, 18...19): false
        case (198, 51): c != 100
        case (203, 0): c != 113
        default: true
        }
    }

    private static func isPublic6(_ bytes: [UInt8]) -> Bool {
        // IPv4 in IPv6 clothes: mapped, or by a translator.
        if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPublic4(bytes[12], bytes[13], bytes[14], bytes[15])
        }
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) {
            return isPublic4(bytes[12], bytes[13], bytes[14], bytes[15])
        }
        // Only 2000::/3 is given out at all; of it Teredo, documentation and 6to4 lead elsewhere.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
        case (0x20, 0x01, 0x00, 0x00...0x01), (0x20, 0x01, 0x0D, 0xB8), (0x20, 0x02, _, _): return false
        default: return true
        }
    }
}
