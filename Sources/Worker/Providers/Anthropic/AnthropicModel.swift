/// Everything the gateway believes about what Anthropic's models take and refuse, derived from their names.
///
/// The vendor answers 400 to a field that a model no longer takes, and the models shed fields with every generation. A
/// name that says nothing we know is taken for the newest: what is left out costs a preference, what is sent in vain costs
/// the answer.
struct AnthropicModel: Sendable {
    enum Family: String, Sendable {
        case opus, sonnet, haiku, fable, mythos
    }

    /// How a model that thinks unasked is told not to.
    enum Quieting: Sendable {
        /// It does not think unasked.
        case notNeeded
        case disabled
        case betweenTools
        /// It thinks, whatever it is told.
        case impossible
    }

    /// Nothing for names from before there were families, and for those we do not know.
    let family: Family?
    /// 407 is version 4.7.
    let version: Int

    private static let newest = 9999

    /// `claude-opus-4-7`, `claude-3-5-sonnet-20241022`, `claude-2.1`: numbers behind a date are revisions.
    init(_ name: String) {
        var family: Family?
        var numbers: [Int] = []
        for word in name.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
            if let known = Family(rawValue: String(word)) {
                family = known
            } else if let number = Int(word) {
                if word.count > 2 { break }
                numbers.append(number)
            }
        }
        self.family = family
        let isAncient = ["claude-1", "claude-2", "claude-instant"].contains { name.hasPrefix($0) }
        if isAncient {
            version = 200
        } else if family != nil, let major = numbers.first {
            version = major * 100 + (numbers.count > 1 ? numbers[1] : 0)
        } else {
            version = Self.newest
        }
    }

    /// Refuses `temperature`, `top_p` and `top_k`, and thinking with a budget.
    var isStrict: Bool {
        switch family {
        case .opus: version >= 407
        case .sonnet, .haiku: version >= 500
        case .fable, .mythos: true
        case nil: version == Self.newest
        }
    }

    /// Takes `temperature` and `top_p` together; those of the fourth generation want one of them.
    var takesBothSamplings: Bool { version < 400 }

    /// Decides itself how much to think, guided by an effort.
    var thinksAdaptively: Bool { isStrict || version >= 406 && (family == .opus || family == .sonnet) }

    /// Thinks as many tokens as it is told.
    var thinksByBudget: Bool { !thinksAdaptively && version >= 307 }

    /// Knows the effort `xhigh`; the others go from `high` to `max`.
    var knowsExtraHigh: Bool { isStrict }

    var quieting: Quieting {
        guard isStrict, version >= 500 || family == .fable || family == .mythos else { return .notNeeded }
        switch family {
        case .opus: return version >= 505 ? .impossible : .disabled
        case .sonnet: return version >= 505 ? .betweenTools : .disabled
        case .haiku: return .disabled
        case .fable, .mythos, nil: return .impossible
        }
    }

    /// Can be made to call a tool.
    var takesForcedTools: Bool {
        switch family {
        case .opus, .sonnet: version < 505
        case .haiku: true
        case .fable, .mythos: version < 501
        case nil: !isStrict
        }
    }

    /// Goes on with an answer that the request has begun.
    var takesPrefill: Bool { !isStrict && version < 406 }

    /// Holds to a JSON schema by itself, in answers and in the arguments of strict tools.
    var takesSchemas: Bool {
        switch family {
        case .opus: version >= 401
        case .sonnet, .haiku: version >= 405
        case .fable, .mythos: true
        case nil: isStrict
        }
    }

    /// Heeds the role `system` between other messages; the rest refuse or ignore it there.
    var takesSystemTurns: Bool {
        switch family {
        case .opus: version >= 408
        case .fable, .mythos: version >= 500
        case .sonnet, .haiku, nil: false
        }
    }

    /// The most tokens of an answer: more is refused, and there is no default.
    var maxOutput: Int {
        switch version {
        case ..<305: 4096
        case 305..<307: 8192
        case 400..<405 where family == .opus: 32_000
        case ..<406: 64_000
        default: family == nil ? 64_000 : 128_000
        }
    }
}
