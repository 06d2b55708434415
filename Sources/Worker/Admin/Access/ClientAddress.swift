import Core
import Crypto
import Glibc
import HTTPCodec

/// Where a log-in comes from, as far as failures are counted by it.
enum ClientAddress {
    /// The address the edge saw: it overwrites `X-Real-IP`, so what stands there is no claim of the client. An IPv6
    /// client owns at least a /64 and is counted by it. Without an edge all clients share one place.
    static func bucket(_ head: RequestHead) -> String {
        guard head.count(of: "x-real-ip") == 1, let value = head.first("x-real-ip") else { return "direct" }
        return bucket(value.text)
    }

    static func bucket(_ text: String) -> String {
        var four = in_addr()
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            return dotted(unsafe withUnsafeBytes(of: four) { unsafe Array($0) })
        }
        var six = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &six) == 1 else { return "direct" }
        let bytes = unsafe withUnsafeBytes(of: six) { unsafe Array($0) }
        let isMapped = bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
        return isMapped ? dotted(Array(bytes.suffix(4))) : Hex.encode(bytes.prefix(8)) + "/64"
    }

    private static func dotted(_ bytes: [UInt8]) -> String { bytes.map { String($0) }.joined(separator: ".") }
}
