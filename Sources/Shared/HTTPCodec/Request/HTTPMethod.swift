/// The methods we serve; any other token is answered with 501.
package enum HTTPMethod: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case head = "HEAD"
    case options = "OPTIONS"
    case patch = "PATCH"

    /// Methods are case-sensitive.
    init?(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard let first = range.first else { return nil }
        let (method, text): (HTTPMethod, StaticString) =
            switch (bytes[first], range.count) {
            case (UInt8(ascii: "G"), _): (.get, "GET")
            case (UInt8(ascii: "P"), 4): (.post, "POST")
            case (UInt8(ascii: "P"), 3): (.put, "PUT")
            case (UInt8(ascii: "P"), _): (.patch, "PATCH")
            case (UInt8(ascii: "D"), _): (.delete, "DELETE")
            case (UInt8(ascii: "H"), _): (.head, "HEAD")
            default: (.options, "OPTIONS")
            }
        guard bytes.equals(range, text) else { return nil }
        self = method
    }

    /// Whether a request without a length is a mistake rather than a request without a body.
    var needsLength: Bool {
        switch self {
        case .post, .put, .patch: true
        case .get, .delete, .head, .options: false
        }
    }
}
