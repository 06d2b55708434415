import Core

extension RequestNumbers {
    func write(to writer: inout MetricsWriter) {
        writeRequests(to: &writer)
        writeEnds(to: &writer)
        for provider in providers {
            let label: (StaticString, String) = ("provider", provider.name)
            writer.begin(.firstByte)
            writer.sample(provider.firstByte, label)
            writer.begin(.whole)
            writer.sample(provider.whole, label)
            writer.begin(.chunks)
            writer.sample(Int(clamping: provider.chunks), label)
            writer.begin(.retries)
            writer.sample(Int(clamping: provider.retries), label)
        }
        writer.begin(.failures)
        for (failure, count) in failures {
            writer.sample(
                Int(clamping: count),
                ("provider", failure.provider),
                ("error", failure.code.rawValue),
                ("class", failure.failureClass.rawValue)
            )
        }
    }

    private func writeRequests(to writer: inout MetricsWriter) {
        for model in models {
            let provider: (StaticString, String) = ("provider", providers[model.provider].name)
            let name: (StaticString, String) = ("model", model.name)
            writer.begin(.requests)
            for place in 0..<6 where model.statuses[place] > 0 {
                writer.sample(Int(clamping: model.statuses[place]), provider, name, ("status", "\(place)xx"))
            }
            if model.prompt > 0 || model.completion > 0 {
                writer.begin(.tokens)
                writer.sample(Int(clamping: model.prompt), provider, name, ("kind", "prompt"))
                writer.sample(Int(clamping: model.cached), provider, name, ("kind", "cached"))
                writer.sample(Int(clamping: model.cacheWrite), provider, name, ("kind", "cache_write"))
                writer.sample(Int(clamping: model.completion), provider, name, ("kind", "completion"))
                writer.sample(Int(clamping: model.reasoning), provider, name, ("kind", "reasoning"))
            }
            if model.nanodollars > 0 {
                writer.begin(.cost)
                writer.sample(Double(model.nanodollars) / 1e9, provider, name)
            }
        }
    }

    /// All reasons of every kind of request that has ended at all, so that a rate has a zero to begin from.
    private func writeEnds(to writer: inout MetricsWriter) {
        writer.begin(.ends)
        for kind in FinishedRequest.Kind.allCases {
            let counts = Self.reasons.map { ends[Self.place(kind, $0)] }
            guard kind == .chat || counts.contains(where: { $0 > 0 }) else { continue }
            for (reason, count) in zip(Self.reasons, counts) {
                writer.sample(Int(clamping: count), ("route", kind.label), ("reason", reason.rawValue))
            }
        }
    }
}
