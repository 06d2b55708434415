/// What came of a test of an account.
package struct Examination: Sendable, Equatable {
    /// What an account may still do with a model.
    package struct Quota: Sendable, Equatable {
        package var model: String
        package var remaining: Int?
        package var total: Int?
        /// Seconds until there is more, from the test on.
        package var wait: Int?

        package init(model: String, remaining: Int? = nil, total: Int? = nil, wait: Int? = nil) {
            self.model = model
            self.remaining = remaining
            self.total = total
            self.wait = wait
        }
    }

    /// More than any account has.
    private static let mostQuotas = 64

    /// Seconds since 1970.
    package var at: Int
    /// Nothing where the upstream could not be asked.
    package var works: Bool?
    package var plan: String?
    /// Words for people, without secrets.
    package var note: String?
    package var quotas: [Quota]

    package init(at: Int, works: Bool?, plan: String? = nil, note: String? = nil, quotas: [Quota] = []) {
        self.at = at
        self.works = works
        self.plan = plan.map { String($0.prefix(100)) }
        self.note = note.map { String($0.prefix(500)) }
        self.quotas = Array(quotas.prefix(Self.mostQuotas))
    }
}

/// How far a test of all accounts of a pool has come.
package struct ExaminationRun: Sendable, Equatable {
    package var began: Int
    /// Nothing while it goes on, or when its worker did not live to its end.
    package var ended: Int?
    package var total = 0
    package var working = 0
    package var refused = 0
    /// The upstream could not be asked about so many.
    package var failed = 0

    package init(began: Int) { self.began = began }

    package var done: Int { working + refused + failed }

    package mutating func count(_ examination: Examination) {
        switch examination.works {
        case true?: working += 1
        case false?: refused += 1
        case nil: failed += 1
        }
    }
}
