package import Core
package import HTTPCodec
package import JSON

/// Turns an upstream's bytes into OpenAI events. Fed with whatever the network brings, cut anywhere.
package protocol StreamTranslator: Sendable {
    /// Appends to `output` what can be said now.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput)
    /// How many events `bytes` are, if they are nothing but whole events with content that the client gets with the very
    /// bytes they came in; the translator has then done with them. Otherwise 0, and `receive` must be given them.
    mutating func unchangedEvents(in bytes: UnsafeRawBufferPointer) -> Int
    /// The upstream's body has ended as HTTP says it should; decides whether the stream has ended as well.
    mutating func finish(into output: inout StreamOutput)
    /// The call has failed: whether the answer can be taken up where it broke off, by the request that `output` then has.
    mutating func takeUp(after error: GatewayError, into output: inout StreamOutput) -> Bool
}

extension StreamTranslator {
    package mutating func unchangedEvents(in bytes: UnsafeRawBufferPointer) -> Int { 0 }

    package mutating func takeUp(after error: GatewayError, into output: inout StreamOutput) -> Bool { false }
}

/// What a translator has made of the bytes so far. One is shared by all streams of a worker and emptied between uses.
package struct StreamOutput {
    package enum End: Sendable {
        /// The upstream said that it is done.
        case done
        case failed(GatewayError)
        /// The answer goes on where this request leads.
        case more(OutgoingRequest)
    }

    /// Whole events, ready to be sent.
    package var events = ByteBuffer()
    /// How many events the upstream sent; comments do not count.
    package var count = 0
    /// Whether there is something among them that a client waits for.
    package var hasContent = false
    package var usage: TokenUsage?
    package var end: End?
    /// Whether more is to come, by whichever call.
    package var goesOn: Bool {
        switch end {
        case nil, .more: true
        case .done, .failed: false
        }
    }
    /// What must be remembered for the next turn.
    package var kept: [KeptState] = []
    /// Files that the answer names by addresses of ours.
    package var files: [NamedFile] = []
    /// How an answer ended whose usage is to be counted.
    package var concluded: ConcludedTurn?
    /// For chunks that are looked at and forgotten.
    package let parser = JSONParser()

    package init() {}

    package mutating func reset() {
        events.removeAll()
        count = 0
        hasContent = false
        usage = nil
        end = nil
        if !kept.isEmpty { kept = [] }
        if !files.isEmpty { files = [] }
        if concluded != nil { concluded = nil }
    }
}
