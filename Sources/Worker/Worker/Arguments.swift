/// The words behind a command, with its options taken out: each is known, and has a value unless it is a flag.
struct Arguments {
    private var words: ArraySlice<String> = []
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []

    /// `options` take a value, `flags` do not; two dashes alone end both.
    init(
        _ arguments: ArraySlice<String>,
        options: Set<String> = [],
        flags: Set<String> = []
    ) throws(UsageError) {
        var rest = arguments
        while let word = rest.popFirst() {
            if word == "--" {
                words += rest
                break
            } else if options.contains(word) {
                guard let value = rest.popFirst() else { throw UsageError(message: "\(word) needs a value") }
                values[word, default: []].append(value)
            } else if flags.contains(word) {
                self.flags.insert(word)
            } else if word.hasPrefix("--") {
                throw UsageError(message: "unknown option '\(word)'\n\(Invocation.usage)")
            } else {
                words.append(word)
            }
        }
    }

    /// The next word; nothing when there is none.
    mutating func next() -> String? { words.popFirst() }

    /// The next word, which must be there; `what` names it.
    mutating func required(_ what: String) throws(UsageError) -> String {
        guard let word = words.popFirst(), !word.isEmpty else {
            throw UsageError(message: "\(what) is missing\n\(Invocation.usage)")
        }
        return word
    }

    /// Refuses what is left over.
    func end() throws(UsageError) {
        if let word = words.first { throw UsageError(message: "unknown argument '\(word)'\n\(Invocation.usage)") }
    }

    func has(_ flag: String) -> Bool { flags.contains(flag) }

    func all(_ option: String) -> [String] { values[option] ?? [] }

    func text(_ option: String) throws(UsageError) -> String? {
        guard let given = values[option] else { return nil }
        guard given.count == 1 else { throw UsageError(message: "\(option) is given twice") }
        return given[0]
    }

    func number(_ option: String, in range: ClosedRange<Int> = 1...1 << 50) throws(UsageError) -> Int? {
        guard let text = try text(option) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(message: "\(option) needs a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A number, or `none` to lift what is limited: `.some(nil)`.
    func limit(_ option: String) throws(UsageError) -> Int?? {
        guard let text = try text(option) else { return nil }
        if text == "none" { return .some(nil) }
        guard let number = try number(option) else { return nil }
        return .some(number)
    }

    /// Values separated by commas.
    func list(_ option: String) throws(UsageError) -> [String]? {
        try text(option)?.split(separator: ",").map(String.init)
    }
}
