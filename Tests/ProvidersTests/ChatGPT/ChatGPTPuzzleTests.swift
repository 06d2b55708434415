import Core
import HTTPCodec
import Testing

@testable import Providers

@Suite("ChatGPT's puzzle")
struct ChatGPTPuzzleTests {
    private let candidate =
        "WyJ4IiwiTW9uIEphbiAwMSAyMDI0IDAwOjAwOjAwIEdNVCswMDAwIChVVEMpIiw0Mjk0NzA1MTUyLDIsImdhdGV3YXkvMS4wIiwiIiwiYnVpbGQtdGVzdCIsImVuLVVTIiwiZW4tVVMiLDEsIm4iLCJkIiwidyIsMS41LCIwMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDAiLCIiLDgsMF0="

    private func solve(_ puzzle: Puzzle, mostAttempts: Int = Puzzle.mostAttempts) async throws -> String? {
        let facts = try #require(PuzzleFacts(ChatGPT.facts))
        return try await puzzle.solve(facts, at: ChatGPT.desk(), mostAttempts: mostAttempts)
    }

    @Test("The first answer is the published one", arguments: [("0fffff", 2), ("00ffff", 27)])
    func published(difficulty: String, attempt: Int) async throws {
        let facts = try #require(PuzzleFacts(ChatGPT.facts))
        let answer = try await solve(Puzzle(seed: "0.42", difficulty: difficulty, hash: .sha3))
        #expect(answer == "gAAAAAB" + String(decoding: facts.candidate(attempt), as: UTF8.self))
        if attempt == 2 { #expect(answer == "gAAAAAB" + candidate) }
        // No earlier one would have done.
        #expect(
            try await solve(Puzzle(seed: "0.42", difficulty: difficulty, hash: .sha3), mostAttempts: attempt) == nil
        )
    }

    @Test(
        "The other hash is the published one",
        arguments: [
            ("", 0xab3e_7c0b as UInt32), ("hello", 0x888d_766e), ("0.42abc", 0x6701_19f0),
        ]
    )
    func fnv(text: String, hash: UInt32) {
        #expect(PuzzleHash.fnv1a(Array(text.utf8), []) == hash)
        #expect(PuzzleHash.fnv1a(Array(text.utf8.prefix(3)), Array(text.utf8.dropFirst(3))) == hash)
    }

    @Test("Answers by the other hash end as they must")
    func fnvAnswer() async throws {
        let puzzle = Puzzle(seed: "0.42", difficulty: "00ffff", hash: .fnv1a)
        let answer = try #require(try await solve(puzzle))
        #expect(answer.hasSuffix("~S"))
        let digest = PuzzleHash.fnv1a(Array("0.42".utf8), Array(answer.dropFirst(7).dropLast(2).utf8))
        #expect(digest >> 8 <= 0x00ffff)
    }

    @Test("Attempts are bounded, and time is left to others between slices")
    func bounded() async throws {
        let desk = ChatGPT.desk()
        let facts = try #require(PuzzleFacts(ChatGPT.facts))
        let puzzle = Puzzle(seed: "0.42", difficulty: String(repeating: "0", count: 32), hash: .sha3)
        #expect(try await puzzle.solve(facts, at: desk, mostAttempts: 3000) == nil)
        #expect(desk.pauses >= 2)
    }

    @Test("Nobody looks on for a client that has left")
    func left() async throws {
        let desk = ScriptedDesk(answer: { ChatGPT.usual($0) }, onPause: { desk, _ in desk.close() })
        let facts = try #require(PuzzleFacts(ChatGPT.facts))
        let puzzle = Puzzle(seed: "0.42", difficulty: String(repeating: "0", count: 32), hash: .sha3)
        await #expect(throws: GatewayError.self) { try await puzzle.solve(facts, at: desk) }
        #expect(desk.pauses == 1)
    }

    @Test("Facts of the operator's own are written without white space, and must have the places that count")
    func facts() throws {
        let facts = try #require(PuzzleFacts(#"[ 1, "a b\" c" , {"k" : [1, 2]}, 0, 4, 5, 6, 7, 8, 0 ]"#))
        let text = Base64.standard.decode(String(decoding: facts.candidate(7), as: UTF8.self))
        #expect(text.map { String(decoding: $0, as: UTF8.self) } == #"[1,"a b\" c",{"k":[1,2]},7,4,5,6,7,8,3]"#)
        #expect(PuzzleFacts("[1,2,3]") == nil)
        #expect(PuzzleFacts("{}") == nil)
        #expect(PuzzleFacts("nothing") == nil)
    }

    @Test("A puzzle that is harder than the operator allows is not begun")
    func tooHard() async throws {
        let provider = try ChatGPT.provider(["POW_DIFFICULTY": "00003a", "CHATGPT_PROTOCOL": "legacy"])
        let desk = ChatGPT.desk { request in
            guard request.url.hasSuffix("/chat-requirements") else { return nil }
            return ChatGPT.json(
                #"{"token":"t","proofofwork":{"required":true,"seed":"0.1","difficulty":"00003a"}}"#
            )
        }
        let turn = try ChatGPT.turn()
        let error = await #expect(throws: GatewayError.self) { try await provider.open(turn, at: desk) }
        #expect(error?.code == .upstreamCheckRequired)
        #expect(error?.failureClass == .rateLimited)
    }
}
