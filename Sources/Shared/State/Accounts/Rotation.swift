/// The order in which accounts get their turns for one model, in one worker: each turn moves an account back by the
/// inverse of its weight. Those that cannot serve wait outside until their time or a change brings them back, so that
/// a turn costs the same whether few or many of them wait.
final class Rotation {
    private struct Turn: Comparable {
        let time: Double
        let slot: Int

        static func < (left: Turn, right: Turn) -> Bool { left.time < right.time }
    }

    private struct Return: Comparable {
        let time: Int
        let slot: Int

        static func < (left: Return, right: Return) -> Bool { left.time < right.time }
    }

    private enum Place { case nowhere, inTurn, waiting(until: Int) }

    private var turns = MinHeap<Turn>()
    private var returns = MinHeap<Return>()
    private var places: [Place] = []
    /// The virtual time of each account, where it is not in turn.
    private var times: [Double] = []
    /// The virtual time of whoever had the last turn: nobody gets the turns back that it has missed.
    private var floor = 0.0

    /// The account whose turn it is; stays so until the caller says what becomes of it.
    func first(at now: Int) -> Int? {
        while let next = returns.first, next.time <= now {
            returns.pop()
            // An entry of an account that came back otherwise, or waits for another time now, says nothing.
            if case .waiting(until: next.time) = places[next.slot] { putInTurn(next.slot) }
        }
        return turns.first?.slot
    }

    /// The first account has had its turn.
    func served(weight: Int) {
        guard let turn = turns.first else { return }
        floor = max(floor, turn.time)
        turns.replaceFirst(with: Turn(time: turn.time + 1 / Double(weight), slot: turn.slot))
    }

    /// The first account steps aside; the caller brings it back by `changed`.
    func skip() {
        guard let turn = turns.pop() else { return }
        times[turn.slot] = turn.time
        places[turn.slot] = .nowhere
    }

    /// The first account cannot serve before `time`.
    func wait(until time: Int) {
        guard let turn = turns.first else { return }
        skip()
        places[turn.slot] = .waiting(until: time)
        returns.push(Return(time: time, slot: turn.slot))
    }

    /// Something about the account is different: it gets its turn, to be looked at then.
    func changed(_ slot: Int) {
        while places.count <= slot {
            places.append(.nowhere)
            // Anywhere, so that workers that start together do not all begin with the same account.
            times.append(floor + .random(in: 0..<1))
        }
        if case .inTurn = places[slot] { return }
        putInTurn(slot)
    }

    /// The first account that waits and its time.
    var soonest: (slot: Int, time: Int)? {
        while let next = returns.first {
            if case .waiting(until: next.time) = places[next.slot] { return (next.slot, next.time) }
            returns.pop()
        }
        return nil
    }

    private func putInTurn(_ slot: Int) {
        places[slot] = .inTurn
        turns.push(Turn(time: max(times[slot], floor), slot: slot))
    }
}
