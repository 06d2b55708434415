import Core
import EventLoop
import Providers
import State

/// One engine as a way to serve a request, with the directory that keeps count of what becomes of its calls.
@LoopActor
struct EngineSeat {
    let engine: Engine
    let endpoint: Endpoint
    private let directory: EngineDirectory

    init(_ engine: Engine, in directory: EngineDirectory) {
        self.engine = engine
        self.directory = directory
        endpoint = Endpoint(
            url: engine.url,
            kind: engine.kind,
            model: engine.served,
            key: directory.key(of: engine)
        )
    }

    /// A call is about to be made.
    func taken() { directory.began(engine) }

    func report(_ outcome: Outcome) {
        switch outcome {
        case .success: directory.succeeded(engine)
        case .abandoned: directory.abandoned(engine)
        case .failure(let failureClass, _, _, _, _):
            if failureClass == .none { directory.abandoned(engine) } else { directory.failed(engine) }
        }
    }
}
