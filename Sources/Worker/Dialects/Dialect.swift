package import Core
package import JSON

/// How the client of one request speaks to the endpoint, where that is not OpenAI's chat dialect. Made for the request, of
/// what the request said; a pure translation from the canonical answer.
package protocol Dialect: Sendable {
    /// The whole answer, made of a chat completion.
    func answer(_ completion: [UInt8]) throws(GatewayError) -> [UInt8]
    /// Writes the stream that answers the request.
    func makeStreamWriter() -> any DialectStreamWriter
    /// What of an answer must be found again later; nil where nothing.
    func record(of answer: [UInt8]) -> StoredAnswer?
}

/// The same for errors, which may come before there is a request.
package protocol DialectErrors: Sendable {
    func body(_ error: GatewayError, requestID: String) -> [UInt8]
}

/// Turns the events of a chat stream into those of another dialect.
package protocol DialectStreamWriter: Sendable {
    /// Says what can be said before there is any content; does nothing the second time.
    mutating func begin(into output: inout ByteBuffer)
    /// Takes whole chat events in the plain spelling, none of them the end; `parser` is for them to be looked at and
    /// forgotten.
    mutating func receive(_ events: ArraySlice<UInt8>, parser: JSONParser, into output: inout ByteBuffer)
    /// The stream has ended as it should.
    mutating func end(into output: inout ByteBuffer)
    mutating func keepAlive(into output: inout ByteBuffer)
    mutating func fail(_ error: GatewayError, requestID: String, into output: inout ByteBuffer)
    /// After the end: what `Dialect.answer` would have returned, where it must be found again later.
    var wholeAnswer: [UInt8]? { get }
}

/// An answer that a later request may refer to.
package struct StoredAnswer: Sendable, Equatable {
    package let id: String
    /// JSON of the dialect's own choosing.
    package let record: [UInt8]

    package init(id: String, record: [UInt8]) {
        self.id = id
        self.record = record
    }
}
