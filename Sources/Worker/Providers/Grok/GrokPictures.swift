internal import Core
internal import JSON

/// The pictures of an answer: which are done, and which nobody may see.
struct GrokPictures: Sendable {
    private static let most = 100

    private let assetsURL: String
    private var finished: [(id: String, url: String)] = []
    private var hiddenIDs: Set<String> = []
    private var hiddenURLs: Set<String> = []
    /// Why there is none, where the application said so.
    private(set) var failure: GatewayError?

    init(assetsURL: String) {
        self.assetsURL = assetsURL
    }

    /// News of one picture, of the stream's or a card's own form; its progress.
    mutating func take(_ news: JSONValue) -> (index: Int, percentage: Int)? {
        let id = news["imageId"]?.string ?? news["imageUuid"]?.string ?? ""
        let url = news["imageUrl"]?.string
        let percentage = news["progress"]?.double ?? 0
        let code = news["systemErrCode"]?.int ?? 0
        if news["moderated"]?.bool == true || code != 0 {
            hide(id, url)
            failure = Self.failure(code)
            return nil
        }
        if news["isFinal"]?.bool == true || percentage >= 100 { add(url, id: id) }
        guard (0...100).contains(percentage) else { return nil }
        let index = news["imageIndex"]?.int ?? 0
        return ((0..<100).contains(index) ? index : 0, Int(percentage))
    }

    /// One that is in the answer's own list.
    mutating func add(_ name: String?, id: String = "") {
        guard let name, let url = GrokAddress.asset(name, at: assetsURL), finished.count < Self.most else { return }
        if finished.contains(where: { Self.same($0.url, url) || !id.isEmpty && $0.id == id }) { return }
        finished.append((id, url))
    }

    /// Those that may be seen, once.
    mutating func takeFinished() -> [AnswerFile] {
        let shown = finished.filter { !hiddenURLs.contains(Self.key($0.url)) && !hiddenIDs.contains($0.id) }
        finished = []
        return shown.map {
            AnswerFile(url: $0.url, title: "Generated Image", fileExtension: GrokAddress.fileExtension(of: $0.url))
        }
    }

    private mutating func hide(_ id: String, _ url: String?) {
        guard hiddenIDs.count + hiddenURLs.count < 2 * Self.most else { return }
        if !id.isEmpty { hiddenIDs.insert(id) }
        if let url = url.flatMap({ GrokAddress.asset($0, at: assetsURL) }) { hiddenURLs.insert(Self.key(url)) }
    }

    private static func same(_ one: String, _ other: String) -> Bool { key(one) == key(other) }

    /// A half-done picture has a name of its own, with a number at its end.
    private static func key(_ url: String) -> String {
        url.split(separator: "/", omittingEmptySubsequences: false).map { segment in
            guard let mark = segment.lastIndex(of: "-"), segment[..<mark].hasSuffix("-part"),
                segment[segment.index(after: mark)...].allSatisfy(\.isNumber)
            else { return segment }
            return segment[..<mark].dropLast(5)
        }.joined(separator: "/")
    }

    private static func failure(_ code: Int) -> GatewayError {
        switch code {
        case 1006, 1008: return GrokFailure.limited
        case 1007:
            return GatewayError(
                .upstreamError,
                "The upstream could not make the picture.",
                source: .upstream,
                retry: .elsewhere
            )
        default:
            return .invalid("messages", "The upstream's moderation does not show this picture.", code: .contentFilter)
        }
    }
}
