import FoundationEssentials
import HTTPCodec
import Testing

/// The fuzzer's seeds and past findings, replayed without the fuzzer.
@Suite struct CorpusTests {
    private func inputs(_ target: String) throws -> [(name: String, bytes: [UInt8])] {
        let tests = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        let folder = "\(tests)/Fuzz/corpus/\(target)"
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            (name, Array(try Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
        }
    }

    @Test("Requests of the corpus read the same however they are cut, and every attack is refused")
    func requests() throws {
        let inputs = try inputs("requests")
        #expect(inputs.count > 30)
        for (name, bytes) in inputs {
            let decoded = decodeEverySplit(bytes) { DecodedRequests($0) }
            #expect((decoded.error != nil) == name.hasPrefix("attack-"), "\(name)")
        }
    }

    @Test("Event streams of the corpus read as the standard says, however they are cut")
    func events() throws {
        for (name, bytes) in try inputs("events") {
            let decoded = decodeEverySplit(bytes) { DecodedStream($0) }
            #expect(decoded.events == referenceEvents(bytes), "\(name)")
        }
    }

    @Test("Line streams of the corpus read the same however they are cut")
    func lines() throws {
        for (name, bytes) in try inputs("lines") {
            let decoded = decodeEverySplit(bytes) { DecodedLines($0) }
            #expect(decoded.error == nil, "\(name)")
        }
    }
}
