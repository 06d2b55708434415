import Core

/// Families of metrics with their series, grouped as the text format of Prometheus wants it: one `# HELP` and one `# TYPE`
/// for each, all series of a family together, in the order in which the families came.
struct MetricsText {
    struct Family {
        let name: String
        let kind: MetricFamily.Kind
        let help: String
        /// Whole lines.
        var series = ByteBuffer()
    }

    private(set) var families: [Family] = []
    private var places: [String: Int] = [:]

    /// Where the family of that name is kept, made when there is none yet; nil when there is one of another kind.
    mutating func place(of name: String, _ kind: MetricFamily.Kind, help: String) -> Int? {
        if let place = places[name] { return families[place].kind == kind ? place : nil }
        families.append(Family(name: name, kind: kind, help: help))
        places[name] = families.count - 1
        return families.count - 1
    }

    /// The kind under which a family is known.
    func kind(of name: String) -> MetricFamily.Kind? {
        places[name].map { families[$0].kind }
    }

    mutating func append(to place: Int, _ body: (inout ByteBuffer) -> Void) {
        body(&families[place].series)
    }

    func write(to text: inout ByteBuffer) {
        for family in families {
            text.append("# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.kind.rawValue)\n")
            text.append(family.series.readable)
        }
    }
}
