/// A request that is to leave for an upstream: what a provider makes and the upstream client sends.
package struct OutgoingRequest: Sendable {
    package enum Method: String, Sendable {
        case get = "GET", post = "POST", put = "PUT", patch = "PATCH", delete = "DELETE"
        case head = "HEAD", options = "OPTIONS"
    }

    package var method: Method
    package var url: String
    package var headers: [HTTPHeader]
    package var body: [UInt8]

    package init(method: Method = .post, url: String, headers: [HTTPHeader] = [], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}
