/// What a model can do, as far as its name says.
struct MiniMaxModel {
    enum Family {
        /// `abab…`.
        case old
        case text01, m1, m2, m3
        /// Still to be invented, and taken for one of the newest.
        case unknown
    }

    let family: Family

    init(_ name: String) {
        let name = name.lowercased()
        let families: [(String, Family)] = [
            ("abab", .old), ("minimax-text", .text01), ("minimax-vl", .text01), ("minimax-m1", .m1),
            ("minimax-m2", .m2), ("minimax-m3", .m3),
        ]
        family = families.first { name.hasPrefix($0.0) }?.1 ?? .unknown
    }

    /// Takes forced calls, any temperature and a seed, and lets thinking be switched off.
    var isModern: Bool { family == .m3 || family == .unknown }
    /// Thinks, and within its text unless it is asked to keep the two apart.
    var thinks: Bool { family != .old && family != .text01 }
    /// Answers to a schema by itself.
    var hasSchemas: Bool { family == .text01 }
    /// Knows the limit by its old name.
    var hasOldLimit: Bool { family == .old || family == .text01 }
}
