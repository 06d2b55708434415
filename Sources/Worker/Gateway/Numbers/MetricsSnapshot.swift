import Core

/// What one worker publishes for the others: its exposition between a line that names format and worker, and a line that
/// proves that nothing is missing. Both are comments to Prometheus.
///
/// It comes from Redis, and from workers of other versions, so every line is looked at. What is not exactly what a
/// `MetricsWriter` writes makes the whole snapshot worthless: half of a worker's figures would be wrong sums.
struct MetricsSnapshot {
    struct Family {
        let name: String
        let kind: MetricFamily.Kind
        let help: String
        let series: ArraySlice<UInt8>
    }

    let worker: String
    let families: [Family]

    private static let heading = "# millrace-metrics 1 "
    private static let ending = Array("# EOF\n".utf8)
    /// Far more than the series of a worker can take.
    private static let sizeLimit = 4 << 20

    static func bytes(_ text: MetricsText, worker: String) -> [UInt8] {
        var output = ByteBuffer()
        output.append("\(heading)\(worker)\n")
        text.write(to: &output)
        output.append(ending)
        return output.take()
    }

    /// Whether a name can stand in a label without escaping and in a line of its own.
    static func isSane(worker: some StringProtocol) -> Bool {
        (1...64).contains(worker.utf8.count)
            && worker.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    /// Nil for anything that is not a whole snapshot of this version.
    init?(_ bytes: [UInt8]) {
        guard bytes.count <= Self.sizeLimit, bytes.suffix(Self.ending.count).elementsEqual(Self.ending) else {
            return nil
        }
        guard UTF8Check.isValid(bytes) else { return nil }
        var reader = SeriesReader(bytes[..<(bytes.count - Self.ending.count)])
        guard let heading = reader.line(), let worker = Self.rest(of: heading, after: Self.heading) else { return nil }
        guard Self.isSane(worker: worker) else { return nil }
        var families: [Family] = []
        while !reader.isAtEnd {
            guard let family = Self.family(&reader, worker) else { return nil }
            families.append(family)
        }
        guard Set(families.map(\.name)).count == families.count else { return nil }
        self.worker = worker
        self.families = families
    }

    private static func family(_ reader: inout SeriesReader, _ worker: String) -> Family? {
        guard let first = reader.line(), let help = rest(of: first, after: "# HELP ") else { return nil }
        guard let second = reader.line(), let type = rest(of: second, after: "# TYPE ") else { return nil }
        let words = type.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 2, let kind = MetricFamily.Kind(rawValue: String(words[1])) else { return nil }
        let name = String(words[0])
        guard isName(name), help.hasPrefix("\(name) ") else { return nil }
        let about = String(help.dropFirst(name.utf8.count + 1))
        guard !about.contains("\\") else { return nil }
        guard let series = reader.series(of: name, kind, worker: worker) else { return nil }
        return Family(name: name, kind: kind, help: about, series: series)
    }

    private static func rest(of line: ArraySlice<UInt8>, after prefix: String) -> String? {
        guard line.starts(with: prefix.utf8) else { return nil }
        return String(decoding: line.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    private static func isName(_ name: String) -> Bool {
        name.hasPrefix("millrace_")
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: "_") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            }
    }
}

private enum UTF8Check {
    /// Most expositions are plain ASCII, which needs no string to be built.
    static func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}
