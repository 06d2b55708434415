import Core
import EventLoop
import JSON
import State

/// The living workers.
@LoopActor
struct WorkerEndpoints {
    let directory: WorkerDirectory

    func list(_ request: AdminRequest) async throws(GatewayError) -> AdminAnswer {
        _ = try request.query(allowing: [])
        let own = directory.identity.id
        return .list(try await directory.list()) { worker, writer in
            writer.beginObject()
            writer.member("id", worker.id)
            writer.member("answers", worker.id == own)
            writer.member("host", worker.host)
            writer.member("pid", worker.pid)
            writer.member("address", worker.address)
            writer.member("version", worker.version)
            writer.member("started", worker.started)
            writer.member("open_requests", worker.status.openRequests)
            writer.member("open_streams", worker.status.openStreams)
            writer.member("draining", worker.status.isDraining)
            writer.member("silent_milliseconds", Int(worker.silence.milliseconds))
            writer.endObject()
        }
    }
}
