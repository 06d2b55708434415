/// What the parser hands out, in this order for every request.
package enum RequestEvent: Sendable {
    case head(RequestHead)
    /// The whole body, empty if the request has none.
    case body([UInt8])
}

/// Turns the bytes of one connection into requests. A value without I/O and without a clock; anything ambiguous is
/// refused, and after an error it stays failed.
package struct RequestParser: Sendable {
    /// What the connection waits for; each has a time limit of its own.
    package enum Stage: Sendable {
        /// No byte of a request is here.
        case idle
        /// A request has begun; its head has not been handed out.
        case head
        /// A head was handed out, its body was not.
        case body
    }

    private let limits: HTTPLimits
    private var inbox = Inbox()
    private var scanner = HeadScanner()
    private var body: BodyCollector?
    private var maySkipEmptyLine = true
    private var failure: HTTPParseError?

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    package var stage: Stage {
        if body != nil { return .body }
        return inbox.isEmpty ? .idle : .head
    }

    package var isIdle: Bool { stage == .idle }

    /// Bytes that have come and have not been handed out.
    package var bufferedBytes: Int { inbox.count + (body?.count ?? 0) }

    /// Memory set aside for bytes to come; small while the parser is idle.
    package var heldCapacity: Int { inbox.storage.capacity }

    /// Takes bytes in; what they mean is told by `next`.
    package mutating func receive(_ bytes: UnsafeRawBufferPointer) {
        guard failure == nil else { return }
        unsafe inbox.append(bytes)
    }

    package mutating func receive(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBytes { unsafe receive($0) }
    }

    /// The next event, or nil until more bytes have come. A later request is not looked at before it is asked for.
    package mutating func next() throws(HTTPParseError) -> RequestEvent? {
        if let failure { throw failure }
        do {
            let event = try body == nil ? readHead() : readBody()
            inbox.reclaim()
            return event
        } catch {
            failure = error
            inbox.removeAll()
            body = nil
            throw error
        }
    }

    private mutating func readHead() throws(HTTPParseError) -> RequestEvent? {
        guard try skipEmptyLine() else { return nil }
        let arrived = inbox.storage
        guard let length = try scanner.advance(arrived.span.extracting(inbox.start...), limits: limits) else {
            return nil
        }
        let head = try scanner.makeHead(Array(arrived[inbox.start..<inbox.start + length]), limits: limits)
        inbox.consume(length)
        scanner = HeadScanner()
        body = BodyCollector(head.framing)
        return .head(head)
    }

    /// Old clients send one empty line too many after a body (RFC 9112 §2.2). False while that cannot be told.
    private mutating func skipEmptyLine() throws(HTTPParseError) -> Bool {
        guard !inbox.isEmpty, inbox.storage[inbox.start] == .cr else { return true }
        guard maySkipEmptyLine else { throw .malformedRequestLine }
        guard inbox.count > 1 else { return false }
        guard inbox.storage[inbox.start + 1] == .lf else { throw .malformedRequestLine }
        maySkipEmptyLine = false
        inbox.consume(2)
        return try skipEmptyLine()
    }

    private mutating func readBody() throws(HTTPParseError) -> RequestEvent? {
        let arrived = inbox.storage
        let used = try body?.advance(arrived.span.extracting(inbox.start...), limits: limits) ?? 0
        inbox.consume(used)
        guard let bytes = body?.takeIfComplete() else { return nil }
        body = nil
        maySkipEmptyLine = true
        return .body(bytes)
    }
}
