internal import Core

/// Counts requests and tokens over a stretch of time, in a ring of sub-windows: what a worker knows of its own traffic.
///
/// A sub-window counts until all of it has left the stretch, so never too little is counted.
struct SlidingWindow {
    private static let parts = 12

    private let width: UInt64
    private var requestParts = [Int](repeating: 0, count: parts + 1)
    private var tokenParts = [Int](repeating: 0, count: parts + 1)
    private var latest: UInt64 = 0
    private(set) var requests = 0
    private(set) var tokens = 0

    init(length: Duration) {
        width = max(1, UInt64(max(0, length.nanoseconds)) / UInt64(Self.parts))
    }

    /// Forgets what has left the stretch that ends at `now`.
    mutating func advance(to now: Instant) {
        let part = now.nanoseconds / width
        guard part > latest else { return }
        for number in 0..<min(part - latest, UInt64(Self.parts + 1)) {
            let place = Int((part - number) % UInt64(Self.parts + 1))
            requests -= requestParts[place]
            tokens -= tokenParts[place]
            requestParts[place] = 0
            tokenParts[place] = 0
        }
        latest = part
    }

    mutating func add(requests: Int, tokens: Int, at now: Instant) {
        advance(to: now)
        let place = Int(latest % UInt64(Self.parts + 1))
        requestParts[place] += requests
        tokenParts[place] += tokens
        self.requests += requests
        self.tokens += tokens
    }
}
