/// Why bytes are not a request we answer. The connection must be closed after it, since nobody can tell where the next
/// request would begin.
package enum HTTPParseError: Error, Sendable, CaseIterable {
    case malformedRequestLine
    case malformedMethod
    case malformedTarget
    case malformedVersion
    case bareLineFeed
    case foldedField
    case malformedFieldName
    case malformedFieldValue
    case missingHost
    case repeatedHost
    case malformedHost
    case malformedContentLength
    case repeatedContentLength
    case conflictingFraming
    case repeatedTransferEncoding
    case transferEncodingBeforeHTTP11
    case malformedChunkSize
    case malformedChunkExtension
    case malformedChunkEnd
    case forbiddenTrailer
    case lengthRequired
    case bodyTooLarge
    case targetTooLong
    case headTooLarge
    case tooManyFields
    case framingTooLarge
    case unsupportedMethod
    case unsupportedTransferEncoding
    case unsupportedVersion

    /// The status to answer with.
    package var status: Int {
        switch self {
        case .malformedRequestLine, .malformedMethod, .malformedTarget, .malformedVersion, .bareLineFeed, .foldedField,
            .malformedFieldName, .malformedFieldValue, .missingHost, .repeatedHost, .malformedHost,
            .malformedContentLength, .repeatedContentLength, .conflictingFraming, .repeatedTransferEncoding,
            .transferEncodingBeforeHTTP11, .malformedChunkSize, .malformedChunkExtension, .malformedChunkEnd,
            .forbiddenTrailer:
            400
        case .lengthRequired: 411
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .headTooLarge, .tooManyFields, .framingTooLarge: 431
        case .unsupportedMethod, .unsupportedTransferEncoding: 501
        case .unsupportedVersion: 505
        }
    }

    /// For the error body and the log; never holds what the client sent.
    package var reason: StaticString {
        switch self {
        case .malformedRequestLine: "the request line is malformed"
        case .malformedMethod: "the method is not a token"
        case .malformedTarget: "the request target is malformed"
        case .malformedVersion: "the protocol version is malformed"
        case .bareLineFeed: "a line does not end in CR LF"
        case .foldedField: "a header line begins with white space"
        case .malformedFieldName: "a header name is not a token followed by a colon"
        case .malformedFieldValue: "a header value holds a control character"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "the Host header is repeated"
        case .malformedHost: "the Host header is malformed or contradicts the request target"
        case .malformedContentLength: "the Content-Length header is not a number"
        case .repeatedContentLength: "the Content-Length header is repeated"
        case .conflictingFraming: "Content-Length and Transfer-Encoding exclude each other"
        case .repeatedTransferEncoding: "the Transfer-Encoding header is repeated or empty"
        case .transferEncodingBeforeHTTP11: "HTTP/1.0 knows no Transfer-Encoding"
        case .malformedChunkSize: "a chunk size is malformed"
        case .malformedChunkExtension: "a chunk extension is malformed or too long"
        case .malformedChunkEnd: "a chunk does not end in CR LF"
        case .forbiddenTrailer: "a trailer field would change how the message is framed or routed"
        case .lengthRequired: "the request needs a Content-Length or a chunked body"
        case .bodyTooLarge: "the request body is too large"
        case .targetTooLong: "the request target is too long"
        case .headTooLarge: "the request head is too large"
        case .tooManyFields: "the request has too many header fields"
        case .framingTooLarge: "trailers and chunk extensions are too large"
        case .unsupportedMethod: "the method is not supported"
        case .unsupportedTransferEncoding: "only the chunked transfer coding is supported"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are supported"
        }
    }
}
