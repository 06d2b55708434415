package import Core
package import JSON

/// Turns an upstream's bytes into OpenAI events. Fed with whatever the network brings, cut anywhere.
package protocol StreamTranslator: Sendable {
    /// Appends to `output` what can be said now.
    mutating func receive(_ bytes: UnsafeRawBufferPointer, into output: inout StreamOutput)
    /// The upstream's body has ended as HTTP says it should; decides whether the stream has ended as well.
    mutating func finish(into output: inout StreamOutput)
}

/// What a translator has made of the bytes so far. One is shared by all streams of a worker and emptied between uses.
package struct StreamOutput {
    package enum End: Sendable {
        /// The upstream said that it is done.
        case done
        case failed(GatewayError)
    }

    /// Whole events, ready to be sent.
    package var events = ByteBuffer()
    /// How many events the upstream sent; comments do not count.
    package var count = 0
    /// Whether there is something among them that a client waits for.
    package var hasContent = false
    package var usage: TokenUsage?
    package var end: End?
    /// For chunks that are looked at and forgotten.
    package let parser = JSONParser()

    package init() {}

    package mutating func reset() {
        events.removeAll()
        count = 0
        hasContent = false
        usage = nil
        end = nil
    }
}
