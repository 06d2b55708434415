import Core
import Testing

@testable import Gateway

@Suite("The stream contract's sense of time")
struct RelayMachineTests {
    private static let start = Instant(nanoseconds: 1_000_000_000_000)

    private static let timeouts: Configuration.Timeouts = {
        var timeouts = Configuration.Timeouts()
        timeouts.commitAfter = .seconds(2)
        timeouts.firstToken = .seconds(60)
        timeouts.streamIdle = .seconds(120)
        timeouts.keepAlive = .seconds(15)
        timeouts.clientStall = .seconds(30)
        timeouts.stream = .seconds(3600)
        return timeouts
    }()

    private func machine() -> RelayMachine {
        var machine = RelayMachine(limits: RelayLimits(Self.timeouts), startedAt: Self.start)
        machine.attemptStarted(at: Self.start)
        return machine
    }

    private func at(_ seconds: Double) -> Instant { Self.start.advanced(by: .milliseconds(Int(seconds * 1000))) }

    @Test("A role is held, the first content sends everything")
    func commitsWithContent() {
        var machine = machine()
        #expect(machine.mayTryAgain)
        #expect(machine.received(hasContent: false, at: at(0.1)) == .hold)
        #expect(machine.mayTryAgain)
        #expect(machine.received(hasContent: true, at: at(0.2)) == .begin)
        #expect(!machine.mayTryAgain)
        #expect(machine.received(hasContent: false, at: at(0.3)) == .write)
        #expect(machine.received(hasContent: true, at: at(0.4)) == .write)
    }

    @Test("After two seconds the head goes out all the same, and another upstream may still answer")
    func commitsWithTime() {
        var machine = machine()
        #expect(machine.deadline == at(2))
        #expect(machine.deadlinePassed(at: at(1.999)) == .nothing)
        #expect(machine.deadlinePassed(at: at(2)) == .commit)
        #expect(machine.deadlinePassed(at: at(2)) == .nothing, "once")
        #expect(machine.mayTryAgain)
        #expect(machine.received(hasContent: true, at: at(3)) == .write)
        #expect(!machine.mayTryAgain)
    }

    @Test("The commit clock is the request's: a further attempt does not restart it")
    func commitClockSpansAttempts() {
        var machine = machine()
        machine.attemptStarted(at: at(1.5))
        #expect(machine.deadline == at(2))
        #expect(machine.deadlinePassed(at: at(2)) == .commit)
    }

    @Test("Silence is broken every fifteen seconds, counted from the last byte")
    func keepAlives() {
        var machine = machine()
        _ = machine.deadlinePassed(at: at(2))
        #expect(machine.deadline == at(17))
        #expect(machine.deadlinePassed(at: at(16.9)) == .nothing)
        #expect(machine.deadlinePassed(at: at(17)) == .keepAlive)
        #expect(machine.deadlinePassed(at: at(17)) == .nothing)
        #expect(machine.deadline == at(32))
        _ = machine.received(hasContent: true, at: at(20))
        #expect(machine.deadline == at(35))
        #expect(machine.deadlinePassed(at: at(35)) == .keepAlive)
    }

    @Test("No keep-alive goes out before the head")
    func noKeepAliveBeforeHead() {
        var timeouts = Self.timeouts
        timeouts.commitAfter = .seconds(50)
        var machine = RelayMachine(limits: RelayLimits(timeouts), startedAt: Self.start)
        #expect(machine.deadlinePassed(at: at(49)) == .nothing)
        #expect(machine.deadline == at(50))
    }

    @Test("Keep-alives are no first token: an upstream that says nothing runs out of time")
    func firstToken() {
        var machine = machine()
        for second in [2, 17, 32, 47.0] { _ = machine.deadlinePassed(at: at(second)) }
        #expect(machine.deadline == at(60))
        #expect(machine.deadlinePassed(at: at(60)) == .firstTokenMissing)
    }

    @Test("Every attempt has its own time for the first token")
    func firstTokenOfNextAttempt() {
        var machine = machine()
        _ = machine.received(hasContent: false, at: at(1))
        _ = machine.deadlinePassed(at: at(2))
        machine.attemptStarted(at: at(50))
        for second in [17, 32, 47, 62, 77, 92, 107.0] { #expect(machine.deadlinePassed(at: at(second)) == .keepAlive) }
        #expect(machine.deadlinePassed(at: at(109.9)) == .nothing)
        #expect(machine.deadlinePassed(at: at(110)) == .firstTokenMissing)
    }

    @Test("A provider whose models are slow to begin has a time of its own, the next one the common time again")
    func patience() {
        var machine = machine()
        machine.attemptStarted(at: at(0), patience: .seconds(100))
        #expect(machine.deadlinePassed(at: at(2)) == .commit)
        for second in [17, 32, 47, 62, 77, 92.0] { #expect(machine.deadlinePassed(at: at(second)) == .keepAlive) }
        #expect(machine.deadline == at(100))
        #expect(machine.deadlinePassed(at: at(100)) == .firstTokenMissing)
        machine.attemptStarted(at: at(101))
        #expect(machine.deadlinePassed(at: at(161)) == .firstTokenMissing)
    }

    @Test("An upstream that has spoken may be silent for longer, not for ever")
    func upstreamSilent() {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(1))
        for second in stride(from: 16.0, through: 106, by: 15) {
            #expect(machine.deadlinePassed(at: at(second)) == .keepAlive)
        }
        #expect(machine.deadline == at(121))
        #expect(machine.deadlinePassed(at: at(121)) == .upstreamSilent)
    }

    @Test("A role alone counts as having spoken")
    func roleIsSpeech() {
        var machine = machine()
        _ = machine.received(hasContent: false, at: at(59))
        #expect(machine.deadlinePassed(at: at(60)) == .commit)
        #expect(machine.deadlinePassed(at: at(179)) == .upstreamSilent)
    }

    @Test("A paused upstream is not blamed for its silence, and has its time again afterwards")
    func paused() {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(1))
        machine.clientLags(at: at(110))
        machine.paused()
        machine.drained(at: at(125))
        #expect(machine.deadlinePassed(at: at(130)) == .keepAlive)
        #expect(machine.deadlinePassed(at: at(130)) == .nothing)
        for second in stride(from: 145.0, through: 235, by: 15) { _ = machine.deadlinePassed(at: at(second)) }
        #expect(machine.deadlinePassed(at: at(245)) == .upstreamSilent)
    }

    @Test(
        "A client that takes nothing for thirty seconds is given up, paused upstream or not",
        arguments: [true, false]
    )
    func clientStalls(_ isPaused: Bool) {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(1))
        machine.clientLags(at: at(5))
        if isPaused { machine.paused() }
        machine.clientLags(at: at(7))
        _ = machine.deadlinePassed(at: at(16))
        _ = machine.deadlinePassed(at: at(31))
        #expect(machine.deadline == at(35), "counted from the first byte that waited")
        #expect(machine.deadlinePassed(at: at(34.9)) == .nothing)
        #expect(machine.deadlinePassed(at: at(35)) == .clientStalled)
    }

    @Test("A client that takes some of what waits is slow, not stalled")
    func clientIsSlow() {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(1))
        machine.clientLags(at: at(5))
        _ = machine.deadlinePassed(at: at(16))
        _ = machine.deadlinePassed(at: at(31))
        #expect(machine.deadlinePassed(at: at(35)) == .clientStalled)
        machine.clientTookSome(at: at(35))
        #expect(machine.deadlinePassed(at: at(64.9)) != .clientStalled)
        #expect(machine.isClientLagging)
    }

    @Test("A client that has taken everything starts anew")
    func clientRecovers() {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(1))
        machine.clientLags(at: at(5))
        machine.drained(at: at(20))
        machine.clientLags(at: at(30))
        _ = machine.deadlinePassed(at: at(35))
        #expect(machine.deadlinePassed(at: at(59.9)) != .clientStalled)
        #expect(machine.deadlinePassed(at: at(60)) == .clientStalled)
    }

    @Test("A stream ends at its limit, however lively")
    func takesTooLong() {
        var machine = machine()
        _ = machine.received(hasContent: true, at: at(3599))
        #expect(machine.deadline == at(3600))
        #expect(machine.deadlinePassed(at: at(3600)) == .takesTooLong)
    }

    @Test("What is over has no deadlines and no further attempts")
    func over() {
        var machine = machine()
        machine.ended()
        #expect(machine.deadline == .distantFuture)
        #expect(machine.deadlinePassed(at: at(100_000)) == .nothing)
        #expect(!machine.mayTryAgain)
    }

    @Test("At every deadline that is announced there is something to do")
    func deadlinesAreMeant() {
        var machine = machine()
        var seen: [RelayMachine.Expiry] = []
        for _ in 0..<6 {
            let next = machine.deadline
            let expiry = machine.deadlinePassed(at: next)
            seen.append(expiry)
            if expiry == .firstTokenMissing { break }
        }
        #expect(seen == [.commit, .keepAlive, .keepAlive, .keepAlive, .firstTokenMissing])
    }
}
