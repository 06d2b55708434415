/// The account that a seed stands for.
package struct SeedBinding: Sendable, Equatable {
    package var account: String
    /// In seconds since 1970.
    package var created: Int
    package var bound: Int
    /// How often another account had to take the place of one that was gone, and why it last did.
    package var moves: Int
    package var note: String

    package init(account: String, created: Int = 0, bound: Int = 0, moves: Int = 0, note: String = "") {
        self.account = account
        self.created = created
        self.bound = bound
        self.moves = moves
        self.note = note
    }
}

/// A conversation that was begun with a seed, as far as it is known here; its text lives at the site.
package struct SeedConversation: Sendable, Equatable {
    package var id: String
    package var account: String
    package var title: String
    package var created: Int
    package var updated: Int
    package var isArchived: Bool
    /// It is in no list, at the site neither.
    package var isTemporary: Bool

    package init(
        id: String,
        account: String,
        title: String,
        created: Int,
        updated: Int,
        isArchived: Bool,
        isTemporary: Bool
    ) {
        self.id = id
        self.account = account
        self.title = title
        self.created = created
        self.updated = updated
        self.isArchived = isArchived
        self.isTemporary = isTemporary
    }
}

/// What became of a conversation.
package struct SeedChange: Sendable, Equatable {
    package var account: String?
    package var title: String?
    package var isArchived: Bool?
    package var isTemporary: Bool?

    package init(
        account: String? = nil,
        title: String? = nil,
        isArchived: Bool? = nil,
        isTemporary: Bool? = nil
    ) {
        self.account = account
        self.title = title
        self.isArchived = isArchived
        self.isTemporary = isTemporary
    }
}
