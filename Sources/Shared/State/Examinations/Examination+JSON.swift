package import JSON

extension Examination {
    package func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("at", at)
        writer.key("works")
        if let works { writer.bool(works) } else { writer.null() }
        writer.key("plan")
        if let plan { writer.string(plan) } else { writer.null() }
        writer.key("note")
        if let note { writer.string(note) } else { writer.null() }
        writer.key("quotas")
        writer.beginArray()
        for quota in quotas {
            writer.beginObject()
            writer.member("model", quota.model)
            for (name, number) in [("remaining", quota.remaining), ("total", quota.total), ("wait", quota.wait)] {
                guard let number else { continue }
                writer.key(name)
                writer.integer(number)
            }
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    init?(_ bytes: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: bytes))?.root, let at = root["at"]?.int else { return nil }
        self.init(
            at: at,
            works: root["works"]?.bool,
            plan: root["plan"]?.string,
            note: root["note"]?.string,
            quotas: root["quotas"]?.elements.compactMap { quota in
                quota["model"]?.string.map {
                    Quota(
                        model: $0,
                        remaining: quota["remaining"]?.int,
                        total: quota["total"]?.int,
                        wait: quota["wait"]?.int
                    )
                }
            } ?? []
        )
    }
}

extension ExaminationRun {
    /// Its members; whoever writes them out opens and closes the object.
    package func writeMembers(to writer: inout JSONWriter) {
        writer.member("began", began)
        writer.key("ended")
        if let ended { writer.integer(ended) } else { writer.null() }
        writer.member("total", total)
        writer.member("done", done)
        writer.member("working", working)
        writer.member("refused", refused)
        writer.member("failed", failed)
    }

    init?(_ bytes: [UInt8]) {
        guard let root = (try? JSONDocument(parsing: bytes))?.root, let began = root["began"]?.int else { return nil }
        self.init(began: began)
        ended = root["ended"]?.int
        total = root["total"]?.int ?? 0
        working = root["working"]?.int ?? 0
        refused = root["refused"]?.int ?? 0
        failed = root["failed"]?.int ?? 0
    }
}
