/// A metric by name: what it counts, in which unit, and how Prometheus is to read it.
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case counter, gauge, histogram
    }

    let name: StaticString
    let kind: Kind
    /// One sentence for people; no backslash and no line feed in it.
    let help: StaticString

    package init(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
        self.name = name
        self.kind = kind
        self.help = help
    }
}
