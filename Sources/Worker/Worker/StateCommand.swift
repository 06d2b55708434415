import Core
import EventLoop
import Glibc
import JSON
import State

/// A command that looks at or changes what the cluster shares, and is done.
protocol StateCommand: Sendable {
    /// Returns what is missing when what it names does not exist.
    @LoopActor func run(_ state: CommandState) async throws -> Missing?
}

/// What a command did not find.
struct Missing {
    let what: String
}

/// Runs commands: one after another by the same rules, with the same exit statuses.
@LoopActor
enum CommandRunner {
    /// Returns the exit status: 0 done, 1 refused or not found, 64 wrongly called, 70 broken.
    static func run(_ command: any StateCommand, _ environment: Environment) async -> Int32 {
        do {
            let state = try CommandState(environment)
            defer { state.close() }
            guard let missing = try await command.run(state) else { return 0 }
            StandardStreams.complain("Worker: there is no such \(missing.what)")
            return 1
        } catch let error as GatewayError {
            StandardStreams.complain("Worker: \(error.message)")
            return 1
        } catch let error as UsageError {
            StandardStreams.complain("Worker: \(error.message)")
            return 64
        } catch {
            StandardStreams.complain("Worker: \(error)")
            return 70
        }
    }
}

/// How commands show what they found.
enum CommandOutput {
    /// Rows in columns; the last one is as wide as it likes.
    static func print(_ rows: [[String]]) {
        var widths: [Int] = []
        for row in rows {
            for (place, cell) in row.enumerated() {
                if place == widths.count { widths.append(0) }
                widths[place] = max(widths[place], cell.count)
            }
        }
        for row in rows {
            let cells = row.enumerated().map { place, cell in
                place == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[place] - cell.count)
            }
            StandardStreams.print(cells.joined(separator: "  "))
        }
    }

    /// One JSON value on one line.
    static func printJSON(_ write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        StandardStreams.print(String(decoding: writer.take(), as: UTF8.self))
    }

    /// All of them as one array.
    static func printJSON<Row>(_ rows: some Sequence<Row>, _ write: (Row, inout JSONWriter) -> Void) {
        printJSON { writer in
            writer.beginArray()
            for row in rows { write(row, &writer) }
            writer.endArray()
        }
    }
}
