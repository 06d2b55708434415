import Core
import HTTPCodec

/// Whether a browser sent a request on behalf of a page of another origin. Browsers send `Origin` with whatever changes
/// anything; programs do not.
enum SameOrigin {
    static func isForeign(_ head: RequestHead) -> Bool {
        guard head.method != .get, head.method != .head, head.method != .options, let origin = head.first("origin")
        else {
            return false
        }
        guard let host = head.first("host") else { return true }
        for scheme in ["http://", "https://"] as [StaticString]
        where origin.prefix(scheme.utf8CodeUnitCount).equalsIgnoringCase(scheme) {
            return origin.dropFirst(scheme.utf8CodeUnitCount).text.lowercased() != host.text.lowercased()
        }
        return true
    }
}
