package import Core
package import OpenAIAPI

/// Ends an answer where the client wants it ended, for upstreams that cannot: at a stop sequence, or after so many tokens.
/// Held back is only what may be the beginning of a stop sequence.
///
/// It is meant for the text of an answer, behind `ToolCallMachine`.
package struct StopCutter: Sendable {
    package enum End: Sendable {
        /// At a stop sequence, which is not part of the answer.
        case stop
        /// More was said than the limit allows.
        case length
    }

    /// How the answer was cut; nothing while it goes on.
    package private(set) var end: End?
    private let stops: [[UInt8]]
    /// What stop sequences begin with.
    private var beginnings: [Bool]
    private var meter: TokenMeter?
    /// What may be the beginning of a stop sequence.
    private var held: [UInt8] = []

    /// `limit` is in tokens, as `count` counts them.
    package init(stops: [String], limit: Int?, count: @escaping @Sendable (String) -> Int) {
        self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty }
        beginnings = Array(repeating: false, count: 256)
        for stop in self.stops { beginnings[Int(stop[0])] = true }
        meter = limit.map { TokenMeter(limit: $0, count) }
    }

    /// What the client asked for.
    package init(_ chat: ChatRequest, count: @escaping @Sendable (String) -> Int) throws(GatewayError) {
        // Every character of an answer is compared with them.
        guard chat.stop.count <= 16, chat.stop.allSatisfy({ $0.utf8.count <= 128 }) else {
            throw .invalid("stop", "'stop' must hold at most 16 sequences of at most 128 bytes.")
        }
        self.init(stops: chat.stop, limit: chat.maxTokens, count: count)
    }

    /// The text that may go out now; empty once the answer has ended.
    package mutating func feed(_ text: String) -> String {
        guard end == nil, !text.isEmpty else { return "" }
        return measured(stops.isEmpty ? text : beforeStop(text))
    }

    /// The text has ended, or something else follows: what was held back is no stop sequence.
    package mutating func finish() -> String {
        guard end == nil, !held.isEmpty else { return "" }
        let rest = held.text
        held = []
        return measured(rest)
    }

    /// The limit may come before the stop sequence that was found behind it.
    private mutating func measured(_ text: String) -> String {
        guard !text.isEmpty, let taken = meter?.take(text) else { return text }
        if taken.utf8.count < text.utf8.count { end = .length }
        return taken
    }

    private mutating func beforeStop(_ text: String) -> String {
        var text = text
        if held.isEmpty, text.withUTF8({ unsafe isPlain($0) }) { return text }
        let bytes = held + text.utf8
        held = []
        var place = 0
        while place < bytes.count {
            if beginnings[Int(bytes[place])] {
                let rest = bytes[place...]
                if stops.contains(where: { rest.starts(with: $0) }) {
                    end = .stop
                    return bytes[..<place].text
                }
                if stops.contains(where: { $0.starts(with: rest) }) {
                    held = Array(rest)
                    return bytes[..<place].text
                }
            }
            place += 1
        }
        return bytes.text
    }

    /// Whether no stop sequence begins here.
    private func isPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe !text.contains { beginnings[Int($0)] }
    }
}
