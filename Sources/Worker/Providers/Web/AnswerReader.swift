package import Core
package import HTTPCodec
package import OpenAIAPI

/// Turns the bytes of a web application's answer into pieces of an answer. Fed with whatever the network brings, cut
/// anywhere.
package protocol AnswerReader: Sendable {
    mutating func receive(_ bytes: UnsafeRawBufferPointer, into pieces: inout AnswerPieces)
    /// The body has ended as HTTP says it should; decides whether the answer has ended as well.
    mutating func finish(into pieces: inout AnswerPieces)
    /// The call has failed while its answer came: whether the answer can be taken up where it broke off, by the request that
    /// is then among the pieces.
    mutating func takeUp(after error: GatewayError, into pieces: inout AnswerPieces) -> Bool
    /// A further message in the same conversation, to have an answer mended, whose answer is read next; nil where that cannot
    /// be.
    mutating func followUp(_ text: String) -> OutgoingRequest?
}

extension AnswerReader {
    package mutating func takeUp(after error: GatewayError, into pieces: inout AnswerPieces) -> Bool { false }

    package mutating func followUp(_ text: String) -> OutgoingRequest? { nil }
}

/// What a read brought.
package struct AnswerPieces: Sendable {
    package enum Piece: Sendable {
        case text(String)
        case reasoning(String)
        /// A file that only the account can fetch: the client gets an address of ours.
        case file(AnswerFile)
        /// The answer is complete.
        case end(FinishReason)
        case failed(GatewayError)
        /// The answer goes on where this request leads.
        case more(OutgoingRequest)
    }

    package var pieces: [Piece] = []
    /// How many events the upstream sent.
    package var count = 0
    /// What the next turn goes on from, as soon as it is known: JSON of the provider's own choosing.
    package var state: [UInt8]?

    package init() {}

    package mutating func text(_ text: String) {
        if !text.isEmpty { pieces.append(.text(text)) }
    }

    package mutating func reasoning(_ text: String) {
        if !text.isEmpty { pieces.append(.reasoning(text)) }
    }

    package mutating func reset() {
        pieces.removeAll(keepingCapacity: true)
        count = 0
        state = nil
    }
}

/// A file of an answer, still at the upstream.
package struct AnswerFile: Sendable, Equatable {
    package var url: String
    /// What stands in brackets in Markdown.
    package var title: String
    /// `jpg`, `png`, `csv`
    package var fileExtension: String
    package var isImage: Bool

    package init(url: String, title: String, fileExtension: String, isImage: Bool = true) {
        self.url = url
        self.title = title
        self.fileExtension = fileExtension
        self.isImage = isImage
    }
}
