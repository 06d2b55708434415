import Core

extension RequestNumbers {
    /// Family by family, since beginning one is what costs.
    func write(to writer: inout MetricsWriter) {
        writeModels(to: &writer)
        writeEnds(to: &writer)
        writer.begin(.firstByte)
        for provider in providers { writer.sample(provider.firstByte, ("provider", provider.name)) }
        writer.begin(.whole)
        for provider in providers { writer.sample(provider.whole, ("provider", provider.name)) }
        writer.begin(.chunks)
        for provider in providers { writer.sample(Int(clamping: provider.chunks), ("provider", provider.name)) }
        writer.begin(.retries)
        for provider in providers { writer.sample(Int(clamping: provider.retries), ("provider", provider.name)) }
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

    private func writeModels(to writer: inout MetricsWriter) {
        writer.begin(.requests)
        for model in models {
            for place in 0..<6 where model.statuses[place] > 0 {
                let count = Int(clamping: model.statuses[place])
                writer.sample(count, provider(of: model), ("model", model.name), ("status", "\(place)xx"))
            }
        }
        writer.begin(.tokens)
        for model in models where model.prompt > 0 || model.completion > 0 {
            let kinds: [(String, UInt64)] = [
                ("prompt", model.prompt), ("cached", model.cached), ("cache_write", model.cacheWrite),
                ("completion", model.completion), ("reasoning", model.reasoning),
            ]
            for (kind, count) in kinds {
                writer.sample(Int(clamping: count), provider(of: model), ("model", model.name), ("kind", kind))
            }
        }
        writer.begin(.cost)
        for model in models where model.nanodollars > 0 {
            writer.sample(Double(model.nanodollars) / 1e9, provider(of: model), ("model", model.name))
        }
    }

    private func provider(of model: Model) -> (StaticString, String) {
        ("provider", providers[model.provider].name)
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
