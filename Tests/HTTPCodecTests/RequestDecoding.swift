import HTTPCodec
import Testing

/// What a parser made of some bytes, comparable.
struct DecodedRequests: Equatable {
    struct Request: Equatable {
        var method: HTTPMethod
        var target: [UInt8]
        var path: [UInt8]
        var query: [UInt8]?
        var minorVersion: Int
        var headers: [[UInt8]]
        var framing: RequestHead.Framing
        var keepsAlive: Bool
        var expectsContinue: Bool
        /// Nil while it is incomplete.
        var body: [UInt8]?

        init(_ head: RequestHead) {
            method = head.method
            target = Array(head.target)
            path = Array(head.path)
            query = head.query.map { Array($0) }
            minorVersion = head.minorVersion
            headers = head.headers.flatMap { [Array($0.name), Array($0.value)] }
            framing = head.framing
            keepsAlive = head.keepsAlive
            expectsContinue = head.expectsContinue
        }
    }

    var requests: [Request] = []
    var error: HTTPParseError?
    var stage: RequestParser.Stage?
    var unread: Int?

    init(_ pieces: [ArraySlice<UInt8>], limits: HTTPLimits = HTTPLimits()) {
        var parser = RequestParser(limits: limits)
        do throws(HTTPParseError) {
            for piece in pieces {
                parser.receive(piece.span)
                while let event = try parser.next() {
                    switch event {
                    case .head(let head): requests.append(Request(head))
                    case .body(let body): requests[requests.count - 1].body = body
                    }
                }
            }
            stage = parser.stage
            unread = parser.bufferedBytes
        } catch {
            self.error = error
        }
    }
}

/// Decodes `text` cut in every way.
func decode(
    _ text: String,
    limits: HTTPLimits = HTTPLimits(),
    sourceLocation: SourceLocation = #_sourceLocation
) -> DecodedRequests {
    decodeEverySplit(Array(text.utf8), sourceLocation: sourceLocation) { DecodedRequests($0, limits: limits) }
}

/// Decodes without cutting, for inputs too long to be cut everywhere.
func decodeWhole(_ text: String, limits: HTTPLimits = HTTPLimits()) -> DecodedRequests {
    DecodedRequests([Array(text.utf8)[...]], limits: limits)
}

/// The head of a request that is expected to be fine.
func head(_ text: String) throws -> RequestHead {
    var parser = RequestParser()
    parser.receive(Array(text.utf8).span)
    guard case .head(let head) = try parser.next() else { throw HTTPParseError.malformedRequestLine }
    return head
}
