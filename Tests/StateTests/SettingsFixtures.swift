import Synchronization

/// Log lines kept in memory.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func append(_ line: [UInt8]) {
        lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
    }

    func count(of part: String) -> Int {
        lines.withLock { $0.count { $0.contains(part) } }
    }
}
