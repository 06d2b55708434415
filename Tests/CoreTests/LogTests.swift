import Core
import Synchronization
import Testing

/// What a log wrote.
private final class Lines: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    func log(_ level: LogLevel, milliseconds: Int = 7) -> Log {
        Log(level: level, now: { (1_700_000_000, milliseconds) }, sink: { line in self.bytes.withLock { $0 += line } })
    }
}

@Suite("Log")
struct LogTests {
    @Test("A line is one JSON object with the time, the level, the message and the fields in order")
    func line() {
        let lines = Lines()
        lines.log(.debug)(
            .warning,
            "something happened",
            LogField("text", "a"),
            LogField("number", -3),
            LogField("flag", true),
            LogField("took_ms", milliseconds: 1.5)
        )
        #expect(
            lines.text
                == #"{"time":1700000000.007,"level":"warning","message":"something happened","text":"a","number":-3,"#
                + #""flag":true,"took_ms":1.500}"# + "\n"
        )
    }

    @Test("Values cannot leave their string")
    func escaping() {
        let lines = Lines()
        lines.log(.debug)(.info, "m", LogField("v", "a\"b\\c\nd\re\tf\u{0}g\u{1F}h\u{7F}é🎏"))
        #expect(lines.text.hasSuffix(#","v":"a\"b\\c\nd\re\tf\u0000g\u001fh"# + "\u{7F}é🎏\"}\n"))
        #expect(lines.text.filter(\.isNewline).count == 1)
    }

    @Test(
        "Milliseconds of the time always have three digits",
        arguments: [(0, "000"), (9, "009"), (99, "099"), (100, "100")]
    )
    func timeOfDay(_ milliseconds: Int, _ digits: String) {
        let lines = Lines()
        lines.log(.debug, milliseconds: milliseconds)(.info, "m")
        #expect(lines.text.hasPrefix("{\"time\":1700000000.\(digits),"))
    }

    @Test("Only lines of the level and above are written", arguments: LogLevel.allCases)
    func levels(_ level: LogLevel) {
        let lines = Lines()
        let log = lines.log(level)
        for each in LogLevel.allCases { log(each, "m") }
        #expect(lines.text.split(separator: "\n").count == LogLevel.allCases.count - level.rawValue)
        #expect(log.isEnabled(level))
        #expect(log.isEnabled(.error))
        #expect(log.isEnabled(.debug) == (level == .debug))
    }

    @Test("A changed level holds for all copies of a log")
    func changedLevel() {
        let lines = Lines()
        let log = lines.log(.warning)
        let copy = log
        copy(.info, "before")
        log.setLevel(.info)
        copy(.info, "after")
        #expect(!lines.text.contains("before"))
        #expect(lines.text.contains("after"))
        log.setLevel(.error)
        #expect(!copy.isEnabled(.warning))
    }

    @Test("Levels are known by the names operators use")
    func names() {
        #expect(LogLevel(name: "WARN") == .warning)
        #expect(LogLevel(name: "Info") == .info)
        #expect(LogLevel(name: "trace") == .debug)
        #expect(LogLevel(name: "critical") == .error)
        #expect(LogLevel(name: "loud") == nil)
    }

    @Test(
        "Spans of time have three decimals, rounded",
        arguments: [
            (0, "0.000"), (0.0004, "0.000"), (0.0006, "0.001"), (0.0125, "0.013"), (1, "1.000"), (1.05, "1.050"),
            (9.9999, "10.000"), (123_456.789, "123456.789"),
        ]
    )
    func spans(_ milliseconds: Double, _ text: String) {
        var buffer = ByteBuffer()
        buffer.append(milliseconds: milliseconds)
        #expect(buffer.readable.text == text)
    }
}
