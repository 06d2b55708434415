import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Seeds", .onLoop, .timeLimit(.minutes(1)))
struct SeedTests {
    @LoopActor
    private struct Two {
        let server: RedisServer
        let clients: [RedisClient]
        let stores: [SeedStore]

        init(_ options: SeedStore.Options = SeedStore.Options()) async throws {
            server = try RedisServer()
            clients = [try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL)]
            stores = clients.map { SeedStore(redis: $0, options: options) }
        }

        func close() {
            for client in clients { client.close() }
            server.stop()
        }
    }

    private let ann = SeedStore.digest(of: "ann")
    private let ben = SeedStore.digest(of: "ben")

    @Test("Of workers that bind a seed at once one wins, and all are told the same")
    @LoopActor func binding() async throws {
        let two = try await Two()
        #expect(try await two.stores[0].binding(of: ann) == nil)
        var bound: Set<String> = []
        for (place, account) in ["a1", "a2", "a3"].enumerated() {
            bound.insert(try await two.stores[place % 2].bind(ann, to: account))
        }
        #expect(bound == ["a1"])
        #expect(try await two.stores[1].binding(of: ann)?.moves == 0)
        // Only who knows which account is gone may take its place.
        #expect(try await two.stores[0].bind(ann, to: "a4", insteadOf: "a9", because: "gone") == "a1")
        #expect(try await two.stores[0].bind(ann, to: "a4", insteadOf: "a1", because: "gone") == "a4")
        #expect(try await two.stores[1].bind(ann, to: "a5", insteadOf: "a1", because: "gone") == "a4")
        let moved = try #require(try await two.stores[1].binding(of: ann))
        #expect(moved.account == "a4" && moved.moves == 1 && moved.note == "gone" && moved.created > 0)
        let names = try await two.clients[0].command(["KEYS", "*"]).elements.compactMap { $0.text }
        #expect(names.allSatisfy { !$0.contains("ann") })
        two.close()
    }

    @Test("A conversation is its first claimer's, even after it is gone")
    @LoopActor func claims() async throws {
        let two = try await Two()
        #expect(try await two.stores[0].claim("c-1", for: ann, SeedChange(account: "a1")))
        #expect(try await !two.stores[1].claim("c-1", for: ben, SeedChange(account: "a1")))
        #expect(try await two.stores[1].claim("c-1", for: ann, SeedChange(account: "a1")))
        #expect(try await two.stores[0].conversation("c-1", of: ben) == nil)
        #expect(try await !two.stores[0].note("c-1", of: ben, SeedChange(title: "mine")))
        #expect(try await two.stores[1].note("c-1", of: ann, SeedChange(title: "é\"", isArchived: true)))
        let found = try #require(try await two.stores[0].conversation("c-1", of: ann))
        #expect(found.title == "é\"" && found.isArchived && found.account == "a1" && found.created > 0)
        try await two.stores[0].forget("c-1", of: ann)
        #expect(try await two.stores[1].conversations(of: ann).isEmpty)
        #expect(try await !two.stores[1].claim("c-1", for: ben, SeedChange(account: "a1")))
        two.close()
    }

    @Test("There are only so many conversations a seed, and only so many seeds")
    @LoopActor func bounds() async throws {
        var options = SeedStore.Options()
        options.mostConversations = 3
        options.mostSeeds = 1
        let two = try await Two(options)
        for number in 0..<5 { #expect(try await two.stores[0].claim("c-\(number)", for: ann, SeedChange())) }
        #expect(try await two.stores[1].conversations(of: ann).count == 3)
        _ = try await two.stores[0].bind(ann, to: "a1")
        let code = await caughtCode { try await two.stores[0].bind(ben, to: "a1") }
        #expect(code == .overloaded)
        #expect(try await two.stores[0].seeds(count: 10) == [ann])
        #expect(try await two.stores[0].remove(ann))
        #expect(try await !two.stores[0].remove(ann))
        #expect(try await two.stores[1].bind(ben, to: "a1") == "a1")
        two.close()
    }

    @Test("Without Redis nobody can tell")
    @LoopActor func outage() async throws {
        let two = try await Two()
        two.server.stop()
        #expect(await caughtCode { try await two.stores[0].binding(of: ann) } == .stateUnavailable)
        #expect(await caughtCode { try await two.stores[0].claim("c", for: ann, SeedChange()) } == .stateUnavailable)
        #expect(await caughtCode { try await two.stores[0].conversation("c", of: ann) } == .stateUnavailable)
        two.close()
    }
}
