/// A server of one model that an operator runs, as it was registered or configured.
package struct Engine: Sendable, Hashable {
    package enum Task: String, Sendable {
        case chat, embed
    }

    package enum State: String, Sendable {
        case ready, loading, down
    }

    /// Where it is, without the path: `http://10.0.0.5:8000`.
    package var url: String
    /// The program: `vllm`, `tei` …
    package var kind: String
    /// What clients call the model.
    package var model: String
    /// What the engine calls it.
    package var served: String
    package var task: Task
    package var maxInFlight: Int
    /// The name of the key that it wants; empty where it wants none.
    package var keyName: String
    package var state: State

    package init(
        url: String,
        kind: String,
        model: String,
        served: String? = nil,
        task: Task,
        maxInFlight: Int = 64,
        keyName: String = "",
        state: State = .ready
    ) {
        self.url = url
        self.kind = kind
        self.model = model
        self.served = served ?? model
        self.task = task
        self.maxInFlight = maxInFlight
        self.keyName = keyName
        self.state = state
    }
}
