import Admin
import Core
import EventLoop
import Glibc
import State

/// `Worker usage …`: what has been used, and what it cost.
struct UsageCommand: StateCommand {
    private let dimension: LedgerDimension
    private let period: UsagePeriod
    private let hours: Int
    private let writesJSON: Bool

    init(_ words: ArraySlice<String>) throws(UsageError) {
        let arguments = try Arguments(words, options: ["--by", "--hours", "--each"], flags: ["--json"])
        let name = try arguments.text("--by") ?? "model"
        guard let dimension = LedgerDimension(rawValue: name) else {
            throw UsageError(message: "--by is one of key, model, provider and account")
        }
        guard let period = UsagePeriod(rawValue: try arguments.text("--each") ?? "whole") else {
            throw UsageError(message: "--each is one of hour, day and whole")
        }
        self.dimension = dimension
        self.period = period
        hours = try arguments.number("--hours", in: 1...960) ?? 24
        writesJSON = arguments.has("--json")
        try arguments.end()
    }

    @LoopActor func run(_ state: CommandState) async throws -> Missing? {
        let last = LedgerHour(containing: time(nil))
        let rows = try await state.ledger.usage(
            from: LedgerHour(number: last.number - hours + 1),
            to: last,
            by: dimension,
            each: period
        )
        if writesJSON {
            CommandOutput.printJSON(rows) { UsageJSON.write($0.id, $0.start, $0.sums, to: &$1) }
            return nil
        }
        var lines = [[dimension.rawValue, "requests", "errors", "prompt", "completion", "usd", "since"]]
        for row in rows {
            let sums = row.sums
            lines.append([
                row.id, String(sums.requests), String(sums.errors), String(sums.prompt), String(sums.completion),
                Money.dollars(sums.cost), String(row.start),
            ])
        }
        CommandOutput.print(lines)
        return nil
    }
}
