/// Entries on their way to Redis: what waits, and a window of numbered batches whose answers are missing.
///
/// Batches arrive in the order of their numbers or not at all: Redis takes only the one after the last it has, so when
/// one gets lost all are sent again from there. Pure bookkeeping; `Ledger` does the sending.
struct LedgerQueue {
    private let options: Ledger.Options
    private let workerKey: String
    /// What waits begins at `head`.
    private var waiting: [LedgerEntry] = []
    private var head = 0
    /// What did not fit into `waiting`.
    private var overflow: LedgerTally
    private var window: [LedgerBatch] = []
    /// How many batches of the window have been sent since the last failure.
    private var sent = 0
    private var lastNumber = 0
    private var names = LedgerHourNames()
    /// Rows that the log will never have. Their sums are not lost.
    private(set) var rowsLost = 0

    init(options: Ledger.Options, workerKey: String) {
        self.options = options
        self.workerKey = workerKey
        overflow = LedgerTally(hourLimit: options.overflowHours, idLimit: options.overflowIDs)
    }

    var isEmpty: Bool { window.isEmpty && waiting.isEmpty && overflow.isEmpty }
    var waitingRows: Int { waiting.count - head }

    mutating func add(_ entry: LedgerEntry) {
        waiting.append(entry)
        guard waitingRows > options.rowLimit else { return }
        overflow.add(waiting[head])
        rowsLost += 1
        advance(1)
    }

    /// The next batch to send, if there is one and there is room for it.
    mutating func next(logLength: Int) -> LedgerBatch? {
        if sent == window.count {
            guard window.count < options.window, let batch = makeBatch(logLength: logLength) else { return nil }
            window.append(batch)
        }
        window[sent].setOldest(window[0].number)
        sent += 1
        return window[sent - 1]
    }

    /// Redis has everything up to this number.
    mutating func acknowledge(upTo number: Int) {
        let count = window.prefix { $0.number <= number }.count
        guard count > 0 else { return }
        window.removeFirst(count)
        sent = max(0, sent - count)
    }

    /// Something got lost: all batches of the window are sent again.
    mutating func rewind() {
        sent = 0
    }

    /// Gives up a batch that Redis will never take; returns what is lost with it.
    mutating func drop(_ number: Int) -> LedgerBatch? {
        guard let place = window.firstIndex(where: { $0.number == number }) else { return nil }
        let batch = window.remove(at: place)
        if place < sent { sent -= 1 }
        rowsLost += batch.rows
        return batch
    }

    private mutating func makeBatch(logLength: Int) -> LedgerBatch? {
        let count = min(waitingRows, options.batchLimit)
        guard count > 0 || !overflow.isEmpty else { return nil }
        lastNumber += 1
        var batch = LedgerBatch(
            number: lastNumber,
            workerKey: workerKey,
            options: options,
            logLength: logLength,
            records: overflow.isEmpty ? count : options.batchLimit
        )
        guard overflow.isEmpty else {
            for (series, sums) in overflow.take(options.batchLimit) { batch.add(series, sums, &names) }
            return batch
        }
        for place in head..<head + count { batch.add(waiting[place], &names) }
        advance(count)
        return batch
    }

    private mutating func advance(_ count: Int) {
        head += count
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: waiting.capacity <= 1_024)
            head = 0
        } else if head >= 1_024, head > waiting.count / 2 {
            waiting.removeFirst(head)
            head = 0
        }
    }
}
