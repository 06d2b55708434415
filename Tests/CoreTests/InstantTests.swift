import Core
import Testing

@Suite("Instant")
struct InstantTests {
    private let start = Instant(nanoseconds: 5_000_000_000)

    @Test("Moments move forward by spans, to the nanosecond")
    func advances() {
        #expect(start.advanced(by: .seconds(2)).nanoseconds == 7_000_000_000)
        #expect(start.advanced(by: .milliseconds(1)).nanoseconds == 5_001_000_000)
        #expect(start.advanced(by: .nanoseconds(1)).nanoseconds == 5_000_000_001)
        #expect(start.advanced(by: .zero) == start)
    }

    @Test("A span below zero moves nothing: a deadline is never in the past")
    func negative() {
        #expect(start.advanced(by: .seconds(-3)) == start)
    }

    @Test("Spans between moments have a sign")
    func spans() {
        let later = start.advanced(by: .microseconds(1500))
        #expect(later.milliseconds(since: start) == 1.5)
        #expect(start.milliseconds(since: later) == -1.5)
        #expect(start.milliseconds(since: start) == 0)
    }

    @Test("Moments are ordered, and the distant future is the last")
    func order() {
        #expect(start < start.advanced(by: .nanoseconds(1)))
        #expect(start < .distantFuture)
        #expect(Instant.distantFuture.nanoseconds == .max)
    }

    @Test("Durations count in whole units")
    func durations() {
        #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
        #expect(Duration.microseconds(2999).milliseconds == 2)
        #expect(Duration.seconds(-1).nanoseconds == -1_000_000_000)
    }
}
