import Providers

/// One way to serve a model: a provider and its name for the model.
struct Candidate: Sendable {
    let provider: any Provider
    let model: String
    let weight: Int

    /// `provider/model`, as the operator writes it.
    var name: String { "\(provider.name)/\(model)" }
}

/// One upstream call that may be made for a request: a candidate with one account of its pool.
struct Attempt: Sendable {
    let candidate: Candidate
    let key: String
}
