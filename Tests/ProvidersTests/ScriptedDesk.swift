import Core
import HTTPCodec
import Providers
import Synchronization

/// A desk whose upstream is a closure. It remembers what was asked and what was put down, and counts its nonces.
final class ScriptedDesk: Desk {
    private struct State {
        var requests: [OutgoingRequest] = []
        var facts: [String: [UInt8]] = [:]
        var lifetimes: [String: Int] = [:]
        var claims: Set<String> = []
        var nonces: [(device: String, nonce: String)] = []
        var pauses = 0
        var isClosed = false
        var diary: [String] = []
        var randomByte: UInt8 = 0
    }

    let account: String
    let key: String
    let now: Int
    private let answer: @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
    /// Called at every pause, with its number.
    private let onPause: @Sendable (ScriptedDesk, Int) -> Void
    private let state = Mutex(State())

    init(
        account: String = "account-1",
        key: String = "token-1",
        now: Int = 1_700_000_000,
        answer: @escaping @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer = { _ in
            DeskAnswer(status: 404)
        },
        onPause: @escaping @Sendable (ScriptedDesk, Int) -> Void = { _, _ in }
    ) {
        self.account = account
        self.key = key
        self.now = now
        self.onPause = onPause
        self.answer = answer
    }

    convenience init(
        key: String,
        now: Int = 1_700_000_000,
        answer: @escaping @Sendable (OutgoingRequest) throws(GatewayError) -> DeskAnswer
    ) {
        self.init(account: "account-1", key: key, now: now, answer: answer, onPause: { _, _ in })
    }

    var requests: [OutgoingRequest] { state.withLock { $0.requests } }
    var nonces: [(device: String, nonce: String)] { state.withLock { $0.nonces } }
    var pauses: Int { state.withLock { $0.pauses } }

    /// What was done that cannot be undone, in its order: `POST http://…`, `remember session`, `release refresh` …
    var diary: [String] { state.withLock { $0.diary } }

    /// The client has left.
    func close() { state.withLock { $0.isClosed = true } }

    private func check() throws(GatewayError) {
        if state.withLock({ $0.isClosed }) {
            throw GatewayError(.clientGone, "The client has left.", source: .client)
        }
    }

    /// What is remembered, in plain text.
    var facts: [String: String] {
        get { state.withLock { $0.facts.mapValues { String(decoding: $0, as: UTF8.self) } } }
        set { state.withLock { $0.facts = newValue.mapValues { Array($0.utf8) } } }
    }

    var lifetimes: [String: Int] { state.withLock { $0.lifetimes } }

    var claims: Set<String> {
        get { state.withLock { $0.claims } }
        set { state.withLock { $0.claims = newValue } }
    }

    func ask(_ request: OutgoingRequest) async throws(GatewayError) -> DeskAnswer {
        try check()
        state.withLock {
            $0.requests.append(request)
            $0.diary.append("\(request.method.rawValue) \(request.url)")
        }
        return try answer(request)
    }

    func claimNonce(for device: String) async throws(GatewayError) -> String {
        state.withLock { state in
            let digits = String(state.nonces.count + 1, radix: 16)
            let nonce = String(repeating: "0", count: 32 - digits.utf8.count) + digits
            state.nonces.append((device, nonce))
            return nonce
        }
    }

    func random(_ count: Int) throws(GatewayError) -> [UInt8] {
        state.withLock { state in
            (0..<count).map { _ in
                state.randomByte &+= 7
                return state.randomByte
            }
        }
    }

    func key(of account: String) async -> String? { account == self.account ? key : nil }

    func recall(_ name: String) async throws(GatewayError) -> [UInt8]? { state.withLock { $0.facts[name] } }

    func remember(_ name: String, _ value: [UInt8], for seconds: Int) async throws(GatewayError) {
        state.withLock {
            $0.facts[name] = value
            $0.lifetimes[name] = seconds
            $0.diary.append("remember \(name)")
        }
    }

    func forget(_ name: String) async throws(GatewayError) { state.withLock { $0.facts[name] = nil } }

    func claim(_ name: String, for seconds: Int) async throws(GatewayError) -> Bool {
        state.withLock { $0.claims.insert(name).inserted }
    }

    func release(_ name: String) async {
        state.withLock {
            $0.claims.remove(name)
            $0.diary.append("release \(name)")
        }
    }

    func pause(milliseconds: Int) async throws(GatewayError) {
        let number = state.withLock { state in
            state.pauses += 1
            return state.pauses
        }
        onPause(self, number)
        try check()
    }
}
