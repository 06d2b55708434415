import Core
import EventLoop
import HTTPCodec

/// The figures as `/metrics` shows them: of this worker, and of the others as they last published theirs.
@LoopActor
struct ClusterMetrics {
    enum Scope {
        case cluster
        case worker

        /// `scope=worker` asks for this worker alone; everything else for the cluster.
        init(query: ArraySlice<UInt8>?) {
            let parts = (query ?? []).split(separator: UInt8(ascii: "&"))
            self = parts.contains { $0.equals("scope=worker") } ? .worker : .cluster
        }
    }

    let own: WorkerMetrics
    let snapshots: @LoopActor () async -> [[UInt8]]

    func exposition(_ scope: Scope) async -> [UInt8] {
        let others = scope == .cluster ? await snapshots() : []
        var merge = MetricsMerge(own.text(), worker: own.worker)
        for (place, snapshot) in others.enumerated() {
            // Reading one takes the better part of a millisecond. A timer, because tasks that only yield run on before the
            // loop looks at its sockets again.
            if place > 0 { try? await Task.sleep(for: .milliseconds(1)) }
            merge.add(snapshot)
        }
        return merge.bytes()
    }
}
