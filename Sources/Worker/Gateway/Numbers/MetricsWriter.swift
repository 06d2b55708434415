import Core

/// Writes series of one worker. Families may come in any order and more than once; collectors need not know each other.
package struct MetricsWriter {
    private(set) var text = MetricsText()
    private var stem = ""
    private var current = 0
    private let worker: String

    init(worker: String) {
        self.worker = worker
    }

    /// The samples that follow belong to `family`.
    package mutating func begin(_ family: MetricFamily) {
        let name = "\(family.name)"
        guard let place = text.place(of: name, family.kind, help: "\(family.help)") else {
            preconditionFailure("a metric has one kind")
        }
        current = place
        stem = name
    }

    /// Writes one series of the current family. No two may have the same labels.
    package mutating func sample(_ value: Int, _ labels: (StaticString, String)...) {
        line("", labels) { $0.append(decimal: value) }
    }

    package mutating func sample(_ value: Double, _ labels: (StaticString, String)...) {
        line("", labels) { $0.append(number: value) }
    }

    /// Writes all series of one histogram, in seconds.
    mutating func sample(_ histogram: Histogram, _ labels: (StaticString, String)...) {
        var below: UInt64 = 0
        for (place, count) in histogram.counts.enumerated() {
            below += count
            let bound = place < histogram.bounds.labels.count ? histogram.bounds.labels[place] : "+Inf"
            line("_bucket", labels + [("le", bound)]) { $0.append(decimal: Int(below)) }
        }
        line("_sum", labels) { $0.append(number: Double(histogram.nanoseconds) / 1e9) }
        line("_count", labels) { $0.append(decimal: Int(histogram.total)) }
    }

    private mutating func line(
        _ suffix: StaticString,
        _ labels: [(StaticString, String)],
        _ value: (inout ByteBuffer) -> Void
    ) {
        text.append(to: current) { output in
            output.append(stem)
            output.append(suffix)
            output.append("{worker=\"" as StaticString)
            output.append(worker)
            output.append(UInt8(ascii: "\""))
            for (name, text) in labels {
                output.append(UInt8(ascii: ","))
                output.append(name)
                output.append("=\"" as StaticString)
                output.append(escaping: text)
                output.append(UInt8(ascii: "\""))
            }
            output.append("} " as StaticString)
            value(&output)
            output.append(UInt8(ascii: "\n"))
        }
    }
}

extension ByteBuffer {
    /// Appends the value of a label: of all characters only three have another form in it.
    fileprivate mutating func append(escaping text: String) {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return append(text) }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): append("\\\\" as StaticString)
            case UInt8(ascii: "\""): append("\\\"" as StaticString)
            case UInt8(ascii: "\n"): append("\\n" as StaticString)
            default: append(byte)
            }
        }
    }

    fileprivate mutating func append(number value: Double) {
        if value.isNaN {
            append("NaN" as StaticString)
        } else if value.isInfinite {
            append(value < 0 ? "-Inf" : "+Inf" as StaticString)
        } else {
            append("\(value)")
        }
    }
}
