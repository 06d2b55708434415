import JSON
import State

/// A pool in numbers.
struct PoolSummary {
    let name: String
    /// By standing.
    private var counts: [AccountStanding: Int] = [:]
    private var total = 0
    private var stored = 0
    /// On how many accounts each model rests.
    private var coolingModels: [String: Int] = [:]

    init(_ name: String) { self.name = name }

    mutating func add(_ account: Account, now: Int) {
        total += 1
        if account.origin == .stored { stored += 1 }
        counts[AccountStanding(account, now: now), default: 0] += 1
        for cooldown in account.activeCooldowns(now: now) {
            if case .model(let model) = cooldown.scope { coolingModels[model, default: 0] += 1 }
        }
    }

    func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("object", "pool")
        writer.member("name", name)
        writer.member("accounts", total)
        writer.member("stored", stored)
        writer.member("environment", total - stored)
        writer.member("ready", counts[.ready] ?? 0)
        writer.member("cooling", counts[.cooling] ?? 0)
        writer.member("disabled", counts[.disabled] ?? 0)
        writer.member("absent", counts[.absent] ?? 0)
        writer.key("cooling_models")
        writer.beginObject()
        for (model, count) in coolingModels.sorted(by: { $0.key < $1.key }) {
            writer.key(model)
            writer.integer(count)
        }
        writer.endObject()
        writer.endObject()
    }
}
