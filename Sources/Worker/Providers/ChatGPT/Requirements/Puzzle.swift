internal import Core
internal import Crypto

/// The site's proof of work: an array of facts whose hash, together with the site's seed, begins small enough.
///
/// It is looked for in slices of about a millisecond, between which the worker's one thread serves everybody else; nobody
/// looks on for a client that has left.
struct Puzzle: Sendable {
    static let answerPrefix = "gAAAAAB"
    static let offerPrefix = "gAAAAAC"
    static let mostAttempts = 500_000
    private static let slice = Duration.milliseconds(1)
    /// How often the time is looked at.
    private static let stride = 16

    let seed: String
    let difficulty: String
    let hash: PuzzleHash

    /// Hexadecimal digits, in lower case as they are compared as text.
    static func isDifficulty(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) || (UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0)
            }
    }

    /// The answer with its prefix; nothing where none of so many attempts is one.
    func solve(
        _ facts: PuzzleFacts,
        prefix: String = answerPrefix,
        at desk: any Desk,
        mostAttempts: Int = mostAttempts
    ) async throws(GatewayError) -> String? {
        var search = try PuzzleSearch(self, facts)
        let clock = ContinuousClock()
        while search.attempts < mostAttempts {
            let began = clock.now
            repeat {
                if let candidate = try search.look(upTo: min(search.attempts + Self.stride, mostAttempts)) {
                    return prefix + candidate + hash.suffix
                }
            } while search.attempts < mostAttempts && clock.now - began < Self.slice
            try await desk.pause(milliseconds: 0)
        }
        return nil
    }
}

/// One search, as far as it has come.
struct PuzzleSearch: ~Copyable {
    private let facts: PuzzleFacts
    private let hash: PuzzleHash
    private let seed: [UInt8]
    /// The values of the difficulty's digits.
    private let target: [UInt8]
    private let hasher: SHA3Hasher
    private var digest: [UInt8] = []
    private(set) var attempts = 0

    init(_ puzzle: Puzzle, _ facts: PuzzleFacts) throws(GatewayError) {
        self.facts = facts
        hash = puzzle.hash
        seed = Array(puzzle.seed.utf8)
        target = puzzle.difficulty.utf8.prefix(puzzle.hash.digitCount).map {
            $0 <= UInt8(ascii: "9") ? $0 & 15 : ($0 & 15) + 9
        }
        do throws(CryptoError) {
            hasher = try SHA3Hasher()
        } catch {
            throw GatewayError(.internalError, "No SHA3-512 can be had.")
        }
    }

    /// Makes further attempts, until so many have been made in all.
    mutating func look(upTo end: Int) throws(GatewayError) -> String? {
        while attempts < end {
            let candidate = facts.candidate(attempts)
            attempts += 1
            if try isSolution(candidate) { return String(decoding: candidate, as: UTF8.self) }
        }
        return nil
    }

    private mutating func isSolution(_ candidate: [UInt8]) throws(GatewayError) -> Bool {
        switch hash {
        case .fnv1a:
            let value = PuzzleHash.fnv1a(seed, candidate)
            return isSmallEnough { UInt8(truncatingIfNeeded: value >> (28 - 4 * UInt32($0))) & 15 }
        case .sha3:
            do throws(CryptoError) {
                try hasher.hash(seed, candidate, into: &digest)
            } catch {
                throw GatewayError(.internalError, "SHA3-512 failed.")
            }
            let digest = digest
            return isSmallEnough { $0.isMultiple(of: 2) ? digest[$0 / 2] >> 4 : digest[$0 / 2] & 15 }
        }
    }

    /// Compares the first digits, as texts of the same length are.
    private func isSmallEnough(_ digit: (Int) -> UInt8) -> Bool {
        for (place, wanted) in target.enumerated() {
            let digit = digit(place)
            if digit != wanted { return digit < wanted }
        }
        return true
    }
}
