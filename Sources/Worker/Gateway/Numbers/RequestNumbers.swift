import Core

/// The counts of requests: one lookup for each, everything else is arithmetic in place. Series are found by the provider's
/// and the model's own strings; none is made for a request.
struct RequestNumbers {
    /// Who served, under which name.
    private struct Key: Hashable {
        let provider: String
        let model: String
    }

    struct Model {
        let provider: Int
        let name: String
        /// By the first digit of the status.
        var statuses: [6 of UInt64] = .init(repeating: 0)
        var prompt: UInt64 = 0
        var cached: UInt64 = 0
        var cacheWrite: UInt64 = 0
        var completion: UInt64 = 0
        var reasoning: UInt64 = 0
        var nanodollars: UInt64 = 0
    }

    struct Provider {
        let name: String
        var firstByte = Histogram(.requests)
        var whole = Histogram(.requests)
        var chunks: UInt64 = 0
        var retries: UInt64 = 0
    }

    struct Failure: Hashable {
        let provider: String
        let code: GatewayError.Code
        let failureClass: FailureClass
    }

    /// Model names come from clients; past this many they are counted together.
    static let modelLimit = 300
    private static let longestName = 120
    private static let otherModel = "other"
    /// Stands for the provider and the model of requests that nobody was chosen for.
    private static let nobody = "none"

    private(set) var models: [Model] = []
    private(set) var providers: [Provider] = []
    private(set) var failures: [Failure: UInt64] = [:]
    /// By kind of request, then by reason.
    private(set) var ends: [UInt64]
    private var modelPlaces: [Key: Int] = [:]
    private var providerPlaces: [String: Int] = [:]

    static let reasons = EndReason.allCases

    init() {
        ends = [UInt64](repeating: 0, count: FinishedRequest.Kind.allCases.count * Self.reasons.count)
    }

    mutating func record(_ request: FinishedRequest) {
        ends[Self.place(request.kind, request.reason)] += 1
        guard request.kind != .own else { return }
        let place = place(ofModel: request.model, request.provider ?? Self.nobody, isKnown: request.provider != nil)
        let provider = models[place].provider
        models[place].statuses[max(0, min(5, request.status / 100))] += 1
        if let usage = request.usage {
            models[place].prompt &+= Self.count(usage.prompt)
            models[place].cached &+= Self.count(usage.cached)
            models[place].cacheWrite &+= Self.count(usage.cacheWrite)
            models[place].completion &+= Self.count(usage.completion)
            models[place].reasoning &+= Self.count(usage.reasoning)
        }
        if let cost = request.cost { models[place].nanodollars &+= Self.count(cost) }
        providers[provider].whole.add(from: request.receivedAt, to: request.endedAt)
        if let first = request.firstByteAt { providers[provider].firstByte.add(from: request.receivedAt, to: first) }
        providers[provider].chunks += UInt64(request.chunks)
        if request.upstreamCalls > 1 { providers[provider].retries += UInt64(request.upstreamCalls - 1) }
    }

    mutating func recordFailure(of provider: String, _ error: GatewayError) {
        failures[Failure(provider: provider, code: error.code, failureClass: error.failureClass), default: 0] += 1
    }

    /// Where the counts of a kind of end are.
    static func place(_ kind: FinishedRequest.Kind, _ reason: EndReason) -> Int {
        kind.rawValue * reasons.count + reason.place
    }

    /// What upstreams report is not to be trusted with our arithmetic.
    private static func count(_ value: Int) -> UInt64 { UInt64(max(0, value)) }

    private mutating func place(ofModel model: String, _ provider: String, isKnown: Bool) -> Int {
        let key = Key(provider: provider, model: isKnown ? model : Self.nobody)
        if let place = modelPlaces[key] { return place }
        // A name is a label as it stands, or counts with the others: shortened names would meet in one series.
        guard models.count < Self.modelLimit, key.model.utf8.count <= Self.longestName, Self.isPlain(key.model) else {
            return place(of: Key(provider: provider, model: Self.otherModel))
        }
        return place(of: key)
    }

    private mutating func place(of key: Key) -> Int {
        if let place = modelPlaces[key] { return place }
        models.append(Model(provider: place(ofProvider: key.provider), name: key.model))
        modelPlaces[key] = models.count - 1
        return models.count - 1
    }

    private mutating func place(ofProvider name: String) -> Int {
        if let place = providerPlaces[name] { return place }
        providers.append(Provider(name: name))
        providerPlaces[name] = providers.count - 1
        return providers.count - 1
    }

    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}

extension EndReason {
    fileprivate var place: Int {
        switch self {
        case .done: 0
        case .upstreamCut: 1
        case .upstreamIdle: 2
        case .upstreamError: 3
        case .clientGone: 4
        case .clientStalled: 5
        case .drained: 6
        case .gatewayError: 7
        case .refused: 8
        }
    }
}
