package import Core
package import HTTPCodec
package import OpenAIAPI

/// An upstream's dialect: a pure translation between the canonical request and its wire, with no loop, no sockets and no
/// state. Where to send comes from the operator's configuration, with which key from the pool.
package protocol Provider: Sendable {
    /// The prefix of its models' public names.
    var name: String { get }
    /// Further prefixes that mean the same.
    var aliases: [String] { get }
    /// Whether its calls are made with an account of its pool; else it serves without one.
    var needsAccount: Bool { get }
    /// Ids it serves without being asked what it has.
    var knownModels: [String] { get }

    /// Whether a bare model name can only be meant for this provider.
    func owns(_ model: String) -> Bool
    /// The request as this upstream wants it.
    func translate(_ request: ModelRequest, model: String, key: String) throws(GatewayError) -> Call
    /// Reads the stream that answers `request`.
    func makeStreamTranslator(for request: ModelRequest) -> any StreamTranslator
    /// Reads the whole answer to `request`.
    func translateAnswer(_ body: [UInt8], to request: ModelRequest) throws(GatewayError) -> PlainAnswer
    /// What an unsuccessful answer means.
    func failure(_ answer: FailedAnswer) -> GatewayError
    /// Asks which models there are; nil where the upstream cannot say.
    func modelsRequest(key: String) -> OutgoingRequest?
}

/// How a request is to be served.
package enum Call: Sendable {
    case upstream(OutgoingRequest)
    /// The answer is known without asking anyone.
    case local(LocalAnswer)
}

/// An answer made by the gateway itself.
package struct LocalAnswer: Sendable {
    package var body: [UInt8]
    /// Complete events, one by one.
    package var events: [[UInt8]]
    package var usage: TokenUsage
}

/// A whole answer in the OpenAI dialect.
package struct PlainAnswer: Sendable {
    package var body: [UInt8]
    package var usage: TokenUsage?
}

/// What an upstream answered that is no success.
package struct FailedAnswer: Sendable {
    package var status: Int
    package var body: [UInt8]
    package var retryAfter: String?
    package var now: @Sendable () -> Int

    package init(status: Int, body: [UInt8], retryAfter: String? = nil, now: @escaping @Sendable () -> Int = { 0 }) {
        self.status = status
        self.body = body
        self.retryAfter = retryAfter
        self.now = now
    }
}

extension GatewayError {
    /// The request asks for what this provider lacks; another candidate may have it.
    static func notHere(_ parameter: String, _ message: String) -> GatewayError {
        GatewayError(.unsupportedParameter, message, source: .client, retry: .elsewhere, parameter: parameter)
    }
}
