import Core
import HTTPCodec
import Providers
import Synchronization

/// A desk whose calls are answered by a script, and which keeps what it is told to remember.
final class ScriptedDesk: Desk {
    private struct Kept {
        var requests: [OutgoingRequest] = []
        var facts: [String: [UInt8]] = [:]
        var claims: Set<String> = []
        var keys: [String: String] = [:]
        var nonces = 0
        var bytes: UInt8 = 0
        var pauses: [Int] = []
        var time: Int
        var isClosed = false
        /// In the order in which it happened: `POST http://…`, `remember session`, `claim refresh` …
        var diary: [String] = []
    }

    let account: String
    let key: String
    private let kept: Mutex<Kept>
    private let answer: @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
    private let onPause: @Sendable (ScriptedDesk, Int) -> Void

    init(
        key: String = "at-test",
        account: String = "account-1",
        now: Int = 1_800_000_000,
        keys: [String: String] = [:],
        onPause: @escaping @Sendable (ScriptedDesk, Int) -> Void = { _, _ in },
        answer: @escaping @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
    ) {
        self.key = key
        self.account = account
        self.answer = answer
        self.onPause = onPause
        var start = Kept(time: now)
        start.keys = keys
        kept = Mutex(start)
    }

    var now: Int { kept.withLock { $0.time } }
    var requests: [OutgoingRequest] { kept.withLock { $0.requests } }
    var diary: [String] { kept.withLock { $0.diary } }
    var pauses: [Int] { kept.withLock { $0.pauses } }

    func advance(by seconds: Int) { kept.withLock { $0.time += seconds } }
    func close() { kept.withLock { $0.isClosed = true } }
    func fact(_ name: String) -> [UInt8]? { kept.withLock { $0.facts[name] } }
    func set(_ name: String, _ value: String) { kept.withLock { $0.facts[name] = Array(value.utf8) } }
    func hold(_ claim: String) { kept.withLock { _ = $0.claims.insert(claim) } }
    func letGo(_ claim: String) { kept.withLock { _ = $0.claims.remove(claim) } }

    func ask(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer {
        try check()
        kept.withLock {
            $0.requests.append(request)
            $0.diary.append("\(request.method.rawValue) \(request.url)")
        }
        return try answer(request)
    }

    func claimNonce(for device: String) async throws(GatewayError) -> String {
        let number = kept.withLock {
            $0.nonces += 1
            return $0.nonces
        }
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }

    func random(_ count: Int) throws(GatewayError) -> [UInt8] {
        kept.withLock { kept in
            (0..<count).map { _ in
                kept.bytes &+= 1
                return kept.bytes
            }
        }
    }

    func key(of account: String) async -> String? { kept.withLock { $0.keys[account] } }

    func recall(_ name: String) async throws(GatewayError) -> [UInt8]? { fact(name) }

    func remember(_ name: String, _ value: [UInt8], for seconds: Int) async throws(GatewayError) {
        kept.withLock {
            $0.facts[name] = value
            $0.diary.append("remember \(name)")
        }
    }

    func forget(_ name: String) async throws(GatewayError) { kept.withLock { $0.facts[name] = nil } }

    func claim(_ name: String, for seconds: Int) async throws(GatewayError) -> Bool {
        kept.withLock { $0.claims.insert(name).inserted }
    }

    func release(_ name: String) async {
        kept.withLock {
            $0.claims.remove(name)
            $0.diary.append("release \(name)")
        }
    }

    func pause(milliseconds: Int) async throws(GatewayError) {
        kept.withLock { $0.pauses.append(milliseconds) }
        onPause(self, milliseconds)
        await Task.yield()
        try check()
    }

    private func check() throws(GatewayError) {
        if kept.withLock({ $0.isClosed }) {
            throw GatewayError(.clientGone, "The client has left.", source: .client)
        }
    }
}
