/// One of the places that a provider's calls can go to, where those come and go.
package struct Endpoint: Sendable, Equatable {
    /// Without the path: `http://10.0.0.5:8000`.
    package var url: String
    /// The program that serves there, as the provider knows it.
    package var kind: String
    /// What it calls the model.
    package var model: String
    /// The key that it wants; empty where it wants none.
    package var key: String

    package init(url: String, kind: String, model: String, key: String = "") {
        self.url = url
        self.kind = kind
        self.model = model
        self.key = key
    }
}
