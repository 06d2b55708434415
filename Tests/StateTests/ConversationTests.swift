import Core
import EventLoop
import Redis
import TestSupport
import Testing

@testable import State

@Suite("Conversations", .onLoop, .timeLimit(.minutes(1)))
struct ConversationTests {
    private func conversation(_ id: String = "conv-1", turns: Int = 1, state: String = "s1") -> Conversation {
        Conversation(
            id: id,
            provider: "grok",
            account: "a1",
            state: Array(state.utf8),
            instructions: "heed",
            turns: turns
        )
    }

    private func digests(_ name: String) -> TranscriptDigests {
        TranscriptDigests(exact: "exact-" + name, loose: "loose-" + name)
    }

    @Test("Any worker goes on with it, by name or by transcript; another owner never does")
    @LoopActor func workers() async throws {
        let server = try RedisServer()
        let (one, two) = (try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL))
        let (first, second) = (ConversationStore(redis: one), ConversationStore(redis: two))
        let before = try await first.open(id: nil, transcript: digests("1"), owner: "key a")
        #expect(before == nil)
        let isNewest = try await first.save(conversation(), transcript: digests("1"), after: nil, owner: "key a")
        #expect(isNewest)
        let byName = try #require(try await second.open(id: "conv-1", transcript: nil, owner: "key a"))
        #expect(byName.conversation == conversation())
        #expect(!byName.isBranch)
        second.release(byName, owner: "key a")
        await eventually("the hold is gone") {
            let answer = try? await one.command(["KEYS", "*:hold"])
            return answer?.elements.isEmpty == true
        }
        let byTranscript = try #require(try await first.open(id: nil, transcript: digests("1"), owner: "key a"))
        #expect(byTranscript.conversation == conversation())
        #expect(!byTranscript.isBranch)
        for id in ["conv-1", nil] {
            let others = try await second.open(id: id, transcript: digests("1"), owner: "key b")
            #expect(others == nil)
        }
        let names = try await one.command(["KEYS", "*"]).elements.compactMap { $0.text }.joined()
        #expect(!names.contains("key a"))
        first.close()
        second.close()
        one.close()
        two.close()
        server.stop()
    }

    @Test("Of two turns at once one makes a branch, and what it saves under a name of its own harms nothing")
    @LoopActor func branches() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let store = ConversationStore(redis: redis)
        _ = try await store.save(conversation(), transcript: digests("1"), after: nil, owner: "o")
        let one = try #require(try await store.open(id: "conv-1", transcript: nil, owner: "o"))
        let two = try #require(try await store.open(id: "conv-1", transcript: nil, owner: "o"))
        #expect(!one.isBranch && two.isBranch)
        #expect(two.conversation == one.conversation, "both go on from the same place")
        let fork = conversation("conv-2", turns: 2, state: "fork")
        #expect(try await store.save(fork, transcript: digests("2f"), after: two, owner: "o"))
        let next = conversation(turns: 2, state: "s2")
        #expect(try await store.save(next, transcript: digests("2"), after: one, owner: "o"))
        let later = try #require(try await store.open(id: "conv-1", transcript: nil, owner: "o"))
        #expect(later.conversation.state == Array("s2".utf8))
        #expect(!later.isBranch, "the hold ended with the turn")
        let forked = try #require(try await store.open(id: nil, transcript: digests("2f"), owner: "o"))
        #expect(forked.conversation.id == "conv-2")
        store.close()
        redis.close()
        server.stop()
    }

    @Test("An earlier transcript leads back to where the conversation was then")
    @LoopActor func earlier() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let store = ConversationStore(redis: redis)
        _ = try await store.save(conversation(), transcript: digests("1"), after: nil, owner: "o")
        let head = try await store.open(id: "conv-1", transcript: digests("1"), owner: "o")
        _ = try await store.save(
            conversation(turns: 2, state: "s2"),
            transcript: digests("2"),
            after: head,
            owner: "o"
        )
        for id in [nil, "conv-1"] {
            let back = try #require(try await store.open(id: id, transcript: digests("1"), owner: "o"))
            #expect(back.conversation.state == Array("s1".utf8))
            #expect(back.isBranch)
        }
        let trimmed = TranscriptDigests(exact: "another answer", loose: "loose-2")
        let on = try #require(try await store.open(id: nil, transcript: trimmed, owner: "o"))
        #expect(on.conversation.state == Array("s2".utf8), "an answer that was edited is no other conversation")
        store.close()
        redis.close()
        server.stop()
    }

    @Test("A turn that comes late does not undo a newer one")
    @LoopActor func late() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let store = ConversationStore(redis: redis)
        _ = try await store.save(conversation(), transcript: digests("1"), after: nil, owner: "o")
        let slow = try await store.open(id: "conv-1", transcript: nil, owner: "o")
        // Its worker was frozen for longer than the hold lasts.
        _ = try await redis.command(["FLUSHDB"])
        _ = try await store.save(conversation(turns: 2, state: "new"), transcript: digests("2"), after: nil, owner: "o")
        let isNewest = try await store.save(
            conversation(turns: 2, state: "old"),
            transcript: digests("2s"),
            after: slow,
            owner: "o"
        )
        #expect(!isNewest)
        let found = try #require(try await store.open(id: "conv-1", transcript: nil, owner: "o"))
        #expect(found.conversation.state == Array("new".utf8))
        let own = try #require(try await store.open(id: nil, transcript: digests("2s"), owner: "o"))
        #expect(own.conversation.state == Array("old".utf8), "its own transcript leads to what it did")
        store.close()
        redis.close()
        server.stop()
    }

    @Test("An account keeps its newest conversations, all go after their time, and a hold ends with its worker")
    @LoopActor func bounds() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        var options = ConversationStore.Options()
        options.mostPerAccount = 2
        options.holdTime = .milliseconds(300)
        let store = ConversationStore(redis: redis, options: options)
        for number in 1...3 {
            _ = try await store.save(
                conversation("conv-\(number)"),
                transcript: digests("\(number)"),
                after: nil,
                owner: "o"
            )
        }
        await eventually("the oldest is gone") {
            (try? await store.open(id: "conv-1", transcript: nil, owner: "o")) == nil
        }
        let held = try #require(try await store.open(id: "conv-3", transcript: nil, owner: "o"))
        #expect(!held.isBranch)
        // The store renews its holds while it lives: three times as long as one lasts, it is still held.
        _ = try await redis.command(["SET", "mark", "1", "PX", "900"])
        await eventually("a while has passed") {
            let mark = try? await redis.command(["GET", "mark"])
            return mark?.isNull == true
        }
        let second = try #require(try await store.open(id: "conv-3", transcript: nil, owner: "o"))
        #expect(second.isBranch)
        store.close()
        let other = ConversationStore(redis: redis, options: options)
        await eventually("the dead worker's hold has ended") {
            let again = try? await other.open(id: "conv-3", transcript: nil, owner: "o")
            return again.map { !$0.isBranch } ?? false
        }
        other.close()
        redis.close()
        server.stop()
    }

    @Test("Without Redis nobody guesses")
    @LoopActor func away() async throws {
        let server = try RedisServer()
        let redis = try await connectForLedger(server.unixURL)
        let store = ConversationStore(redis: redis)
        server.kill()
        await #expect(throws: GatewayError.self) {
            _ = try await store.open(id: "conv-1", transcript: nil, owner: "o")
        }
        store.close()
        redis.close()
        server.stop()
    }
}

@Suite("What is remembered of accounts", .onLoop, .timeLimit(.minutes(1)))
struct AccountFactTests {
    @Test("It is sealed, bound to its place, known to others, and goes after its time")
    @LoopActor func facts() async throws {
        let server = try RedisServer()
        let (one, two) = (try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL))
        let vault = try Vault(secret: "a secret of the tests' own")
        let facts = AccountFacts(redis: one, vault: vault)
        let others = AccountFacts(redis: two, vault: vault)
        let value = Array("what only the account knows".utf8)
        try await facts.remember("session", value, for: 60, pool: "chatgpt", account: "a")
        #expect(try await others.recall("session", pool: "chatgpt", account: "a") == value)
        #expect(try await others.recall("session", pool: "chatgpt", account: "b") == nil)
        let raw = try await one.command(["GET", "millrace:{facts:chatgpt:a}:session"]).text ?? ""
        #expect(raw.hasPrefix("v1:") && !raw.contains("knows"))
        _ = try await one.command(["COPY", "millrace:{facts:chatgpt:a}:session", "millrace:{facts:chatgpt:b}:session"])
        #expect(try await others.recall("session", pool: "chatgpt", account: "b") == nil, "it cannot be moved")
        try await facts.remember("short", value, for: 1, pool: "chatgpt", account: "a")
        await eventually("its time is over") {
            let found = try? await others.recall("short", pool: "chatgpt", account: "a")
            return found == .some(nil)
        }
        try await others.forget("session", pool: "chatgpt", account: "a")
        #expect(try await facts.recall("session", pool: "chatgpt", account: "a") == nil)
        one.close()
        two.close()
        server.stop()
    }

    @Test("One in the cluster has a claim, and only that one gives it back")
    @LoopActor func claims() async throws {
        let server = try RedisServer()
        let (one, two) = (try await connectForLedger(server.unixURL), try await connectForLedger(server.unixURL))
        let (first, second) = (AccountFacts(redis: one, vault: nil), AccountFacts(redis: two, vault: nil))
        #expect(try await first.claim("refresh", for: 30, pool: "p", account: "a"))
        #expect(try await !second.claim("refresh", for: 30, pool: "p", account: "a"))
        #expect(try await second.claim("refresh", for: 30, pool: "p", account: "b"))
        await second.release("refresh", pool: "p", account: "a")
        #expect(try await !second.claim("refresh", for: 30, pool: "p", account: "a"), "it was not the second's to give")
        await first.release("refresh", pool: "p", account: "a")
        #expect(try await second.claim("refresh", for: 30, pool: "p", account: "a"))
        one.close()
        two.close()
        server.stop()
    }
}
