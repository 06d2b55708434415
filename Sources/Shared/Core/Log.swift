internal import Synchronization

package enum LogLevel: Int, Sendable, Comparable, CaseIterable {
    case debug, info, warning, error

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }

    package var name: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }

    package init?(name: String) {
        switch name.lowercased() {
        case "debug", "trace": self = .debug
        case "info", "notice": self = .info
        case "warning", "warn": self = .warning
        case "error", "critical": self = .error
        default: return nil
        }
    }
}

/// A named value of a log line. Values are for machines; the message of the line never changes.
package struct LogField: Sendable {
    package enum Value: Sendable {
        case text(String)
        case integer(Int)
        case milliseconds(Double)
        case flag(Bool)
    }

    let name: StaticString
    let value: Value

    package init(_ name: StaticString, _ value: String) { (self.name, self.value) = (name, .text(value)) }
    package init(_ name: StaticString, _ value: Int) { (self.name, self.value) = (name, .integer(value)) }
    package init(_ name: StaticString, _ value: Bool) { (self.name, self.value) = (name, .flag(value)) }
    package init(_ name: StaticString, milliseconds: Double) {
        (self.name, self.value) = (name, .milliseconds(milliseconds))
    }
}

/// The level below which lines are not written; may change at any time. Its own atomic value, since a log is copied.
private final class LogThreshold: Sendable {
    let level: Atomic<Int>

    init(_ level: LogLevel) { self.level = Atomic(level.rawValue) }
}

/// Writes one JSON object a line: time, level, constant message, fields. Bodies and secrets have no way in.
package struct Log: Sendable {
    private let threshold: LogThreshold
    private let now: @Sendable () -> (seconds: Int, milliseconds: Int)
    private let sink: @Sendable ([UInt8]) -> Void

    /// `now` is wall time since 1970; `sink` gets whole lines.
    package init(
        level: LogLevel,
        now: @escaping @Sendable () -> (seconds: Int, milliseconds: Int),
        sink: @escaping @Sendable ([UInt8]) -> Void
    ) {
        threshold = LogThreshold(level)
        self.now = now
        self.sink = sink
    }

    /// A log that keeps nothing, for tests.
    package static let silent = Log(level: .error, now: { (0, 0) }, sink: { _ in })

    /// Changes the level of this log and of all its copies.
    package func setLevel(_ level: LogLevel) { threshold.level.store(level.rawValue, ordering: .relaxed) }

    package func isEnabled(_ level: LogLevel) -> Bool {
        level.rawValue >= threshold.level.load(ordering: .relaxed)
    }

    package func callAsFunction(_ level: LogLevel, _ message: StaticString, _ fields: LogField...) {
        write(level, message, fields)
    }

    package func write(_ level: LogLevel, _ message: StaticString, _ fields: [LogField]) {
        guard isEnabled(level) else { return }
        var line = ByteBuffer()
        line.reserve(256)
        line.append("{\"time\":" as StaticString)
        let (seconds, milliseconds) = now()
        line.append(decimal: seconds)
        line.append(milliseconds < 10 ? ".00" : milliseconds < 100 ? ".0" : "." as StaticString)
        line.append(decimal: milliseconds)
        line.append(",\"level\":\"" as StaticString)
        line.append(level.name)
        line.append("\",\"message\":\"" as StaticString)
        line.append(message)
        line.append(UInt8(ascii: "\""))
        for field in fields {
            line.append(",\"" as StaticString)
            line.append(field.name)
            line.append("\":" as StaticString)
            switch field.value {
            case .text(let text): line.append(jsonString: text)
            case .integer(let number): line.append(decimal: number)
            case .milliseconds(let number): line.append(milliseconds: number)
            case .flag(let flag): line.append(flag ? "true" : "false" as StaticString)
            }
        }
        line.append("}\n" as StaticString)
        sink(line.take())
    }
}

extension ByteBuffer {
    /// Appends a span of time with three decimals.
    /// What is no span (negative, infinite or no number) is written as none.
    package mutating func append(milliseconds: Double) {
        let isSpan = milliseconds >= 0 && milliseconds < 1e12
        let micros = isSpan ? Int((milliseconds * 1000).rounded()) : 0
        append(decimal: micros / 1000)
        let rest = micros % 1000
        append(rest < 10 ? ".00" : rest < 100 ? ".0" : "." as StaticString)
        append(decimal: rest)
    }
}
