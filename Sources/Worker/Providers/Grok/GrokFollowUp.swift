internal import HTTPCodec

/// Further messages of a turn, to the same conversation and in the same words as its first.
struct GrokFollowUp: Sendable {
    private let configuration: GrokConfiguration
    private let model: GrokModel
    /// Made while random bytes can be had; good for one call.
    private var prepared: OutgoingRequest?

    init(_ configuration: GrokConfiguration, _ model: GrokModel, prepared: OutgoingRequest) {
        self.configuration = configuration
        self.model = model
        self.prepared = prepared
    }

    /// Nothing where it is not known what the message follows.
    mutating func request(_ message: String, after place: GrokPlace) -> OutgoingRequest? {
        guard !place.conversation.isEmpty, !place.response.isEmpty, var request = prepared.take() else { return nil }
        let conversation = GrokAddress.segment(place.conversation)
        request.url = "\(configuration.baseURL)\(GrokAddress.chat)/conversations/\(conversation)/responses"
        var body = GrokBody(configuration: configuration, model: model, message: message, files: [])
        body.parent = place.response
        request.body = body.bytes()
        return request
    }
}
