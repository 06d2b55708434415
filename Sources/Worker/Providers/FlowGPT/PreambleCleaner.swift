/// Takes away what some prompts make the model say before its answer: everything up to a marker, if the marker comes early.
/// Until that is known the text is kept back.
struct PreambleCleaner: Sendable {
    private enum State {
        /// → trimming, passing
        case undecided(String)
        /// The marker was found; white space behind it belongs to it. → passing
        case trimming
        case passing
    }

    private let markers: [String]
    private let limit: Int
    private var state: State

    /// Looks at the first `limit` characters (Unicode scalars); 0 cleans nothing.
    init(markers: [String], limit: Int) {
        self.markers = markers.filter { !$0.isEmpty }
        self.limit = limit
        state = limit > 0 && !self.markers.isEmpty ? .undecided("") : .passing
    }

    /// The text that is known to belong to the answer.
    mutating func feed(_ text: String) -> String {
        switch state {
        case .passing: return text
        case .trimming:
            let rest = text.unicodeScalars.drop { $0.properties.isWhitespace }
            if rest.isEmpty { return "" }
            state = .passing
            return String(rest)
        case .undecided(let kept):
            let all = kept + text
            // However the text was cut, the decision is the same: what ends beyond the limit is too late.
            if let rest = afterMarker(all) {
                state = .trimming
                return feed(rest)
            }
            if all.unicodeScalars.count > limit {
                state = .passing
                return all
            }
            state = .undecided(all)
            return ""
        }
    }

    /// What was kept back when the text ended.
    mutating func finish() -> String {
        defer { state = .passing }
        if case .undecided(let kept) = state { return kept }
        return ""
    }

    /// What comes after the first marker; nothing where there is none within the limit.
    private func afterMarker(_ text: String) -> String? {
        let scalars = text.unicodeScalars
        let early = Array(String(scalars.prefix(limit + 1)).utf8)
        let ends = markers.compactMap { marker in
            Self.firstPlace(of: Array(marker.utf8), in: early).map { $0 + marker.utf8.count }
        }
        guard let end = ends.min() else { return nil }
        return String(decoding: text.utf8.dropFirst(end), as: UTF8.self)
    }

    private static func firstPlace(of wanted: [UInt8], in bytes: [UInt8]) -> Int? {
        guard wanted.count <= bytes.count else { return nil }
        return (0...bytes.count - wanted.count).first { bytes[$0] == wanted[0] && bytes[$0...].starts(with: wanted) }
    }
}
