/// A change to one member of an object.
///
/// Where a name occurs more than once, every occurrence is changed, because readers differ in which one they believe.
package enum JSONEdit: Sendable {
    /// Gives the member this value; appends it where there is none.
    case set(StaticString, JSONFragment)
    case remove(StaticString)
    /// Changes members of the object that is this member's value. Where it is missing or no object, it becomes one of
    /// what is set here, if anything is.
    case edit(StaticString, [JSONEdit])

    var key: StaticString {
        switch self {
        case .set(let key, _), .remove(let key), .edit(let key, _): key
        }
    }

    /// Whether it has something to put where nothing is.
    var inserts: Bool {
        switch self {
        case .set: true
        case .remove: false
        case .edit(_, let edits): edits.contains(where: \.inserts)
        }
    }

    /// The most bytes it can add where the member occurs once.
    var growth: Int {
        let name = key.utf8CodeUnitCount + 6
        switch self {
        case .set(_, let value): return name + value.count
        case .remove: return 0
        case .edit(_, let edits): return edits.reduce(name) { $0 + $1.growth }
        }
    }
}
