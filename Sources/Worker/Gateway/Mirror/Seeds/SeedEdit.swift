import JSON
import State

/// What a visitor's change of a conversation comes to.
enum SeedEdit: Equatable {
    case removal
    case change(SeedChange)

    /// Nothing where the list of conversations shows nothing of it.
    init?(_ body: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: body))?.root else { return nil }
        if root["is_visible"]?.bool == false {
            self = .removal
            return
        }
        var change = SeedChange()
        change.title = root["title"]?.string.map { String($0.prefix(500)) }
        change.isArchived = root["is_archived"]?.bool
        guard change != SeedChange() else { return nil }
        self = .change(change)
    }
}
