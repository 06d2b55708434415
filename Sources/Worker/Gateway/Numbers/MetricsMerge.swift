import Core

/// The figures of the whole cluster: one worker's own and the snapshots of others, grouped by family.
struct MetricsMerge {
    private var text: MetricsText
    private var workers: Set<String>

    init(_ own: MetricsText, worker: String) {
        text = own
        workers = [worker]
    }

    /// Adds what another worker has published. Nothing of it is taken when it is damaged, of another version, from a worker
    /// that is in already, or sees a family as something else: series must be unique and families of one kind.
    @discardableResult
    mutating func add(_ bytes: [UInt8]) -> Bool {
        guard let snapshot = MetricsSnapshot(bytes), !workers.contains(snapshot.worker) else { return false }
        for family in snapshot.families {
            if let kind = text.kind(of: family.name), kind != family.kind { return false }
        }
        workers.insert(snapshot.worker)
        for family in snapshot.families {
            guard let place = text.place(of: family.name, family.kind, help: family.help) else { continue }
            text.append(to: place) { $0.append(family.series) }
        }
        return true
    }

    /// The text format of Prometheus, version 0.0.4.
    func bytes() -> [UInt8] {
        var output = ByteBuffer()
        text.write(to: &output)
        return output.take()
    }
}
