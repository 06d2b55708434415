/// A conversation that lives at an upstream, as far as it has come.
package struct Conversation: Sendable, Equatable {
    package var id: String
    package var provider: String
    /// The account that has it.
    package var account: String
    /// JSON of the provider's own choosing: the upstream's ids to go on from.
    package var state: [UInt8]
    /// A digest of what it was told to heed.
    package var instructions: String
    package var turns: Int

    package init(
        id: String,
        provider: String,
        account: String,
        state: [UInt8],
        instructions: String = "",
        turns: Int = 0
    ) {
        self.id = id
        self.provider = provider
        self.account = account
        self.state = state
        self.instructions = instructions
        self.turns = turns
    }
}

/// What leads from a transcript to its conversation.
package struct TranscriptDigests: Sendable, Equatable {
    /// Of everything that was said by others than the model, and of the model's last answer.
    package var exact: String
    /// The same without the answer, which clients may trim or edit.
    package var loose: String

    package init(exact: String, loose: String) {
        self.exact = exact
        self.loose = loose
    }
}

/// A conversation that a request goes on with.
package struct OpenConversation: Sendable, Equatable {
    package var conversation: Conversation
    /// Another turn is under way, or has gone on from the same place: this one makes a branch, under a name of its own.
    package var isBranch: Bool
    /// The right to the next turn; nothing for a branch.
    let hold: String?
}
