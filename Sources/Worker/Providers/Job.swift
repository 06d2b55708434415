package import Core
package import OpenAIAPI

/// One request for one model of one upstream: all that a provider is given to translate.
package struct Job: Sendable {
    package let request: ModelRequest
    /// The upstream's own name for the model.
    package let model: String
    /// The account's credential; empty where the provider needs none.
    package let key: String
    /// Where the call goes, for providers whose endpoints come and go; nothing where it goes to the provider's own place.
    package let endpoint: Endpoint?
    /// What was gathered for the request, as far as `Provider.needs` asked for it.
    package var materials: Materials
    /// What the upstream cannot do is left out instead of being refused.
    package var dropsUnsupported: Bool

    package init(
        _ request: ModelRequest,
        model: String,
        key: String,
        endpoint: Endpoint? = nil,
        materials: Materials = Materials(),
        dropsUnsupported: Bool = false
    ) {
        self.request = request
        self.model = model
        self.key = key
        self.endpoint = endpoint
        self.materials = materials
        self.dropsUnsupported = dropsUnsupported
    }

    /// The usual answer to what this upstream lacks: another candidate may have it.
    package func refuse(_ parameter: String, _ message: String) throws(GatewayError) {
        if !dropsUnsupported { throw .notHere(parameter, message) }
    }
}

/// What a translation wants to have beside the request, and cannot get by itself.
package struct Needs: Sendable, Equatable {
    /// Addresses whose content must be sent along, because the vendor does not fetch them; with where they stand.
    package var addresses: [Address] = []
    /// Ids of tool calls whose reasoning the vendor wants back.
    package var calls: [String] = []

    package struct Address: Sendable, Equatable {
        package var url: String
        /// The parameter to blame: `messages[2].content[0].image_url.url`.
        package var parameter: String

        package init(url: String, parameter: String) {
            self.url = url
            self.parameter = parameter
        }
    }

    package init() {}

    package var isEmpty: Bool { addresses.isEmpty && calls.isEmpty }
}

/// What was gathered for a request.
package struct Materials: Sendable {
    /// By address.
    package var files: [String: FetchedFile] = [:]
    /// What a provider had kept, by the id of the tool call.
    package var kept: [String: [UInt8]] = [:]

    package init() {}
}

/// The content of an address that a client named.
package struct FetchedFile: Sendable {
    /// Lower case, without parameters.
    package var mediaType: String
    package var content: [UInt8]

    package init(mediaType: String, content: [UInt8]) {
        self.mediaType = mediaType
        self.content = content
    }
}

/// Reasoning that a vendor wants back with the next turn and that clients of the OpenAI dialect do not carry: kept for the
/// cluster under the id of the tool call it led to.
package struct KeptState: Sendable, Equatable {
    package var call: String
    /// JSON of the provider's own choosing.
    package var state: [UInt8]

    package init(call: String, state: [UInt8]) {
        self.call = call
        self.state = state
    }
}
