import Core
import EventLoop
import OpenAIAPI
import Providers
import State
import TestSupport
import Testing

@testable import Gateway

@Suite("Routing to engines", .onLoop)
struct EngineRoutingTests {
    private static let provider = HuggingFaceProvider(
        baseURL: "http://router/v1",
        embeddingsURL: "http://router/hf-inference",
        now: { 0 }
    )

    private static func engine(
        _ url: String,
        _ task: Engine.Task = .chat,
        most: Int = 64,
        state: Engine.State = .ready
    ) -> Engine {
        Engine(url: url, kind: "vllm", model: "BAAI/bge-m3", task: task, maxInFlight: most, keyName: "k", state: state)
    }

    @LoopActor private func router(
        _ engines: [Engine],
        token: String? = nil,
        routes: String = "{}"
    ) throws
        -> (router: ModelRouter, directory: EngineDirectory)
    {
        let directory = EngineDirectory(redis: nil, configured: engines, keys: ["k": "sim-key-1"])
        let keys = token.map { [$0] } ?? []
        let pool = AccountPool(name: "huggingface", environment: keys, redis: nil, vault: nil, log: .silent)
        let router = try ModelRouter(
            providers: [Self.provider],
            pools: ["huggingface": pool],
            routes: ModelRoutes(routes),
            engines: directory
        )
        return (router, directory)
    }

    /// Where the calls for a request would go, if all fail.
    @LoopActor private func places(_ router: ModelRouter, _ model: String, limit: Int = 4) -> [String] {
        var generator = SeededGenerator(seed: 1)
        guard let itinerary = router.itinerary(for: model, limit: limit, random: &generator) else { return [] }
        var places: [String] = []
        while case .attempt(let attempt) = itinerary.next() {
            places.append(attempt.candidate.seat?.endpoint.url ?? "router")
            attempt.abandoned()
        }
        return places
    }

    @Test("Engines come first, the one with the least to do before the others, and the router after them")
    @LoopActor func order() throws {
        let engines = [Self.engine("http://a"), Self.engine("http://b")]
        let (router, directory) = try router(engines, token: "hf-test")
        directory.began(engines[0])
        #expect(places(router, "huggingface/BAAI/bge-m3") == ["http://b", "http://a", "router"])
        #expect(places(router, "huggingface/BAAI/bge-m3", limit: 1) == ["http://b"])
        #expect(places(router, "huggingface/other/model") == ["router"])
        #expect(directory.engines(for: "BAAI/bge-m3", task: .chat).map(\.url) == ["http://b", "http://a"])
    }

    @Test("Short names, bare ids and the operator's own names lead to the same engine")
    @LoopActor func names() throws {
        let (router, _) = try router([Self.engine("http://a")], routes: #"{"mine":["huggingface/bge-m3"]}"#)
        for name in ["huggingface/BAAI/bge-m3", "huggingface/bge-m3", "BAAI/bge-m3", "bge-m3", "mine"] {
            #expect(places(router, name) == ["http://a"], "\(name)")
        }
        #expect(places(router, "sentence-transformers/bge-m3").isEmpty, "that is another organisation's")
        #expect(router.engineModels.map(\.name) == ["huggingface/BAAI/bge-m3"])
    }

    @Test("The engine's key goes with it, and the task decides who is asked")
    @LoopActor func task() throws {
        let (router, _) = try router([Self.engine("http://a"), Self.engine("http://e", .embed)])
        var generator = SeededGenerator(seed: 1)
        let itinerary = router.itinerary(for: "BAAI/bge-m3", .embedding, limit: 4, random: &generator)
        guard case .attempt(let attempt) = itinerary?.next() else {
            Issue.record("no attempt")
            return
        }
        #expect(attempt.candidate.seat?.endpoint.url == "http://e")
        #expect(attempt.candidate.seat?.endpoint.key == "sim-key-1")
        attempt.abandoned()
    }

    @Test("Engines that load, are down, full or resting are told of as such; without any the model does not exist")
    @LoopActor func waiting() throws {
        for engines in [
            [Self.engine("http://a", state: .loading)], [Self.engine("http://a", state: .down)],
        ] {
            let (router, _) = try router(engines)
            #expect(places(router, "huggingface/bge-m3").isEmpty)
            let error = router.wait(for: "huggingface/bge-m3", .chat)
            #expect(error?.status == 503 && error?.retryAfter ?? 0 > 0)
            #expect(router.wait(for: "huggingface/bge-m3", .embedding) == nil)
        }
        let one = Self.engine("http://a", most: 1)
        let (full, directory) = try router([one])
        directory.began(one)
        #expect(places(full, "huggingface/bge-m3").isEmpty)
        #expect(full.wait(for: "huggingface/bge-m3", .chat) != nil)
        directory.failed(one)
        for _ in 0..<2 {
            directory.began(one)
            directory.failed(one)
        }
        #expect(places(full, "huggingface/bge-m3").isEmpty, "it rests")
        let (none, _) = try router([])
        #expect(none.wait(for: "huggingface/bge-m3", .chat) == nil)
        #expect(none.unknown("huggingface/bge-m3", known: []).status == 404)
    }

    @Test("Calls that fail by the engine's doing count against it, others do not")
    @LoopActor func reports() throws {
        let (router, directory) = try router([Self.engine("http://a")])
        var generator = SeededGenerator(seed: 1)
        func fail(_ error: GatewayError) {
            guard case .attempt(let attempt) = router.itinerary(for: "bge-m3", limit: 1, random: &generator)?.next()
            else { return }
            attempt.failed(error, "request", body: nil)
        }
        for _ in 0..<5 { fail(GatewayError(.invalidRequest, "", source: .client)) }
        #expect(!directory.engines(for: "BAAI/bge-m3", task: .chat).isEmpty)
        for _ in 0..<3 { fail(GatewayError(.upstreamUnreachable, "", source: .upstream, retry: .elsewhere)) }
        #expect(directory.engines(for: "BAAI/bge-m3", task: .chat).isEmpty)
    }
}
