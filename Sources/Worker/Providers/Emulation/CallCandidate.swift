internal import Core
internal import JSON

/// What may turn out to be a call, from its first character on. It is fed byte by byte, keeps all of them, and says as early
/// as can be known that it is none.
struct CallCandidate: Sendable {
    enum Verdict {
        case more
        /// It is text, and the last byte has not been taken. `replays` says that a call may still begin inside of it.
        case rejected(replays: Bool)
        /// These were said; the last `rest` bytes do not belong to them.
        case calls([SpokenCall], rest: Int)
        /// The end of something that had begun before.
        case closed(CallTags, isFence: Bool)
    }

    /// What is known before it is certain that a call has begun takes no more than this.
    private static let headLimit = 512

    enum Place {
        /// Backticks, so many of them so far.
        case ticks(Int)
        /// The language behind them, which began there.
        case language(Int)
        /// Blanks before something that is expected.
        case gap
        case tag(TagReader)
        /// A tool's name, which began there.
        case name(Int)
        case json(JSONCandidate)
        /// The value of a single parameter of that name, which began there.
        case parameter(String, Int)
    }

    let tools: CallableTools
    private let limit: Int
    private let closable: CallTags
    private let closesFence: Bool
    private(set) var raw: [UInt8] = []
    /// The ends that will follow when this was a call.
    private(set) var closers: CallTags = []
    private(set) var opensFence = false
    /// Whether its JSON was not valid as it came.
    private(set) var isRepaired = false
    var place: Place
    var name: String?
    private var expected: CallTags = []
    private var expectedJSON: JSONCandidate.Kind?
    private var members: [(key: String, value: JSONFragment)] = []
    /// Whether the value alone must show that it is a call: it stands in nothing that says so.
    private var isUnmarked = true

    /// Begins with `first`, which `take` has yet to be given: a `<`, a backtick, or a bracket.
    init(_ first: UInt8, _ tools: CallableTools, limit: Int, closable: CallTags, closesFence: Bool) {
        self.tools = tools
        self.limit = limit
        self.closable = closable
        self.closesFence = closesFence
        if first == UInt8(ascii: "`") {
            place = .ticks(0)
        } else {
            place = .gap
            expected = CallTags.openings.union(closable)
            expectedJSON = .calls
        }
    }

    /// Whether a call of a known tool has begun.
    var isCommitted: Bool {
        if name != nil { return true }
        if case .json(let json) = place { return json.isCommitted }
        return false
    }

    mutating func take(_ byte: UInt8) -> Verdict {
        raw.append(byte)
        // No character is cut in two.
        let isTooLong = raw.count > (isCommitted ? limit : Self.headLimit) && byte & 0xC0 != 0x80
        let verdict = isTooLong ? reject() : step(byte)
        if case .rejected = verdict { raw.removeLast() }
        return verdict
    }

    func reject() -> Verdict { .rejected(replays: !isCommitted) }

    private mutating func step(_ byte: UInt8) -> Verdict {
        switch place {
        case .ticks(let count): takeTick(byte, count + 1)
        case .language(let start): takeLanguage(byte, start)
        case .gap: takeInGap(byte)
        case .tag(var reader):
            switch reader.take(byte) {
            case .more: stay(.tag(reader))
            case .mismatch: reject()
            case .tag(let tag, let value): takeTag(tag, value)
            }
        case .name(let start): takeName(byte, start)
        case .json: takeJSON(byte)
        case .parameter(let key, let start): takeParameter(byte, key, start)
        }
    }

    private mutating func stay(_ next: Place) -> Verdict {
        place = next
        return .more
    }

    private mutating func expect(_ tags: CallTags, json: JSONCandidate.Kind? = nil) -> Verdict {
        expected = tags
        expectedJSON = json
        return stay(.gap)
    }

    private mutating func takeTick(_ byte: UInt8, _ count: Int) -> Verdict {
        guard byte == UInt8(ascii: "`") else { return reject() }
        if count < 3 { return stay(.ticks(count)) }
        return closesFence ? .closed([], isFence: true) : stay(.language(raw.count))
    }

    private mutating func takeLanguage(_ byte: UInt8, _ start: Int) -> Verdict {
        let word = String(decoding: Blank.trimmed(raw[start...]), as: UTF8.self).lowercased()
        if byte != 0x0A {
            return Self.languages.contains { $0.hasPrefix(word) } ? .more : reject()
        }
        guard Self.languages.contains(word) else { return reject() }
        isUnmarked = !word.contains("_call")
        opensFence = true
        return expect(.openings, json: .calls)
    }

    private static let languages = [
        "", "json", "xml", "tool_call", "tool_calls", "function_call", "function_calls",
    ]

    private mutating func takeInGap(_ byte: UInt8) -> Verdict {
        if Blank.isBlank(byte) { return .more }
        switch byte {
        case UInt8(ascii: "<"): return expected.isEmpty ? reject() : stay(.tag(TagReader(expected)))
        case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "\""):
            guard let kind = expectedJSON, byte != UInt8(ascii: kind == .calls ? "\"" : "[") else { return reject() }
            place = .json(JSONCandidate(kind, from: raw.count - 1, tools))
            return takeJSON(byte)
        default: return reject()
        }
    }

    private mutating func takeTag(_ tag: CallTags, _ value: String) -> Verdict {
        if closable.contains(tag), name == nil { return .closed(tag, isFence: false) }
        isUnmarked = false
        switch tag {
        case .calls:
            closers.insert(.callsEnd)
            return expect([.call, .function], json: .calls)
        case .call:
            closers.insert(.callEnd)
            return expect([.name, .function], json: .calls)
        case .name: return stay(.name(raw.count))
        case .nameEnd: return expect([.parameters, .callEnd], json: .arguments)
        case .parameters:
            closers.insert(.parametersEnd)
            return expect(.parametersEnd, json: .arguments)
        case .function:
            guard let known = tools.name(Array(value.utf8)[...]) else { return reject() }
            name = known
            closers.insert(.functionEnd)
            return expect([.parameter, .functionEnd], json: .arguments)
        case .parameter: return stay(.parameter(value, raw.count))
        default:
            // The end of the call: what it had are its arguments, if any.
            closers.remove(tag)
            return finished()
        }
    }

    private mutating func takeName(_ byte: UInt8, _ start: Int) -> Verdict {
        guard byte == UInt8(ascii: "<") else { return .more }
        guard let known = tools.name(raw[start..<raw.count - 1]) else { return reject() }
        name = known
        return stay(.tag(TagReader(.nameEnd)))
    }

    private mutating func takeParameter(_ byte: UInt8, _ key: String, _ start: Int) -> Verdict {
        guard byte == UInt8(ascii: ">"), let end = CallTags.end(of: .parameterEnd, in: raw, from: start) else {
            return .more
        }
        add(raw[start..<end], as: key)
        return expect([.parameter, .functionEnd, .callEnd])
    }

    /// A value that the schema calls a text is one; another is what it looks like.
    private mutating func add(_ value: ArraySlice<UInt8>, as key: String) {
        let value = Blank.trimmed(value)
        if let name, !tools.isText(key, of: name), let document = try? JSONDocument(parsing: Array(value)),
            !document.root.isString
        {
            members.append((key, .slice(value)))
        } else {
            members.append((key, .string(value.text)))
        }
    }

    private func finished() -> Verdict {
        guard let name else { return reject() }
        var writer = JSONWriter()
        writer.beginObject()
        for member in members {
            writer.key(member.key)
            writer.raw(member.value)
        }
        writer.endObject()
        return .calls([SpokenCall(name: name, arguments: writer.take().text)], rest: 0)
    }

    private mutating func takeJSON(_ byte: UInt8) -> Verdict {
        guard case .json(var json) = place else { return reject() }
        // Nothing else may hold it while it is changed, or it would be copied.
        place = .gap
        let outcome = json.take(byte, in: raw)
        place = .json(json)
        switch outcome {
        case .more: return .more
        case .none: return reject()
        case .complete: return read(json, upTo: raw.count)
        case .broken(let end): return read(json, upTo: end)
        }
    }

    private mutating func read(_ json: JSONCandidate, upTo end: Int, isCut: Bool = false) -> Verdict {
        guard end > json.start, let value = ArgumentRepair.value(raw[json.start..<end]) else { return reject() }
        isRepaired = value.isRepaired
        switch json.kind {
        case .calls:
            let calls = SpokenCall.read(value.document.root, tools, demandsArguments: isUnmarked || isCut)
            return calls.map { .calls($0, rest: raw.count - end) } ?? reject()
        case .arguments:
            guard let name, let arguments = SpokenCall.object(value.document.root) else { return reject() }
            return .calls([SpokenCall(name: name, arguments: arguments)], rest: raw.count - end)
        }
    }

    /// The text has ended: a call that lacks no more than its end is one. Nil where it is text.
    mutating func finish() -> (calls: [SpokenCall], rest: Int)? {
        var verdict = reject()
        switch place {
        case .json(let json) where isCommitted: verdict = read(json, upTo: json.suspect ?? raw.count, isCut: true)
        case .parameter(let key, let start):
            add(raw[start...], as: key)
            isRepaired = true
            verdict = finished()
        case .gap, .tag: if !members.isEmpty { verdict = finished() }
        case .ticks, .language, .name, .json: break
        }
        if case .calls(let calls, let rest) = verdict { return (calls, rest) }
        return nil
    }

    /// Whether it is the beginning of an end that was expected.
    var isUnfinishedEnd: Bool {
        guard case .tag = place, name == nil, !closable.isEmpty else { return false }
        return raw.starts(with: "</".utf8)
    }
}
