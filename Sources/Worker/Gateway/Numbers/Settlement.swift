import Core
import EventLoop
import HTTPCodec
import OpenAIAPI
import Providers
import State

/// Writes down how a request ended, after its client has had the last byte: what it used of its key's limits, the ledger,
/// the metrics, the log.
@LoopActor
final class Settlement {
    var logsAccess: Bool
    private let metrics: WorkerMetrics
    private let rateLimits: RateLimits?
    private let ledger: Ledger?
    private let prices: PriceBook
    private let log: Log

    init(_ parts: GatewayParts, metrics: WorkerMetrics, prices: PriceBook) {
        self.metrics = metrics
        rateLimits = parts.rateLimits
        ledger = parts.ledger
        self.prices = prices
        log = parts.log
        logsAccess = parts.configuration.logsAccess
    }

    func settle(_ context: RequestContext, _ reason: EndReason, _ error: GatewayError?) {
        let now = LoopClock.now
        let status = error?.status ?? (reason == .clientGone ? 499 : 200)
        let use = Use(context, prices)
        context.cost = use?.cost
        if let charge = context.charge.take() {
            if let use {
                rateLimits?.settle(charge, tokens: use.usage.total, cost: use.cost ?? 0)
            } else {
                rateLimits?.release(charge)
            }
        }
        metrics.requestEnded(context, status: status, reason: reason, at: now)
        if usesModel(context), let ledger, !context.caller.isEmpty {
            ledger.record(entry(context, reason, error, status, use, now))
        }
        writeLog(context, reason, error, status, now)
    }

    /// Of what passes through the mirror only turns with the operator's accounts are its holders' doing.
    private func usesModel(_ context: RequestContext) -> Bool {
        if case .mirror = context.route { return context.candidate != nil }
        return context.route.usesModel
    }

    /// What the request used of its upstream, if it used any.
    private struct Use {
        var usage: TokenUsage
        /// In billionths of a dollar; unknown where the model has no price.
        var cost: Int?
        var isEstimated: Bool

        @LoopActor
        init?(_ context: RequestContext, _ prices: PriceBook) {
            guard let candidate = context.candidate else { return nil }
            if let reported = context.usage {
                usage = reported
                isEstimated = false
            } else if let counted = context.counted {
                usage = counted
                isEstimated = true
            } else {
                // Nothing came of it, so nothing is charged.
                guard context.firstByteAt != nil else { return nil }
                // A chunk is about a token, in all streams that are known.
                let answered = context.streams ? context.chunks : (context.answerBytes + 3) / 4
                usage = TokenUsage(prompt: context.estimate?.prompt ?? 0, completion: answered)
                isEstimated = true
            }
            cost = prices.cost(candidate, usage)
        }
    }

    private func entry(
        _ context: RequestContext,
        _ reason: EndReason,
        _ error: GatewayError?,
        _ status: Int,
        _ use: Use?,
        _ now: Instant
    ) -> LedgerEntry {
        LedgerEntry(
            requestID: context.id,
            time: WallClock.seconds(),
            keyDigest: context.key?.digest ?? "master",
            keyName: context.caller,
            owner: context.key?.owner ?? "",
            route: "\(context.route.label)",
            provider: context.candidate?.provider.name ?? "",
            model: context.model,
            upstreamModel: context.candidate?.model ?? "",
            account: context.account,
            status: status,
            end: reason.rawValue,
            error: error?.label ?? "",
            isStream: context.streams,
            durationMS: Int(now.milliseconds(since: context.receivedAt)),
            firstByteMS: context.firstByteAt.map { Int($0.milliseconds(since: context.receivedAt)) },
            upstreamCalls: context.upstreamCalls,
            chunks: context.chunks,
            usage: use?.usage,
            cost: use?.cost,
            isEstimated: use?.isEstimated ?? false
        )
    }

    private func writeLog(
        _ context: RequestContext,
        _ reason: EndReason,
        _ error: GatewayError?,
        _ status: Int,
        _ now: Instant
    ) {
        let level = error?.logLevel ?? (reason == .done || reason == .clientGone ? .debug : .warning)
        guard logsAccess || log.isEnabled(level) else { return }
        var fields = [
            LogField("request_id", context.id),
            LogField("route", "\(context.route.label)"),
            LogField("status", status),
            LogField("end", reason.rawValue),
            LogField("duration_ms", milliseconds: now.milliseconds(since: context.receivedAt)),
        ]
        if !context.caller.isEmpty { fields.append(LogField("caller", context.caller)) }
        if !context.model.isEmpty { fields.append(LogField("model", String(context.model.prefix(120)))) }
        if let candidate = context.candidate { fields.append(LogField("provider", candidate.provider.name)) }
        if !context.account.isEmpty { fields.append(LogField("account", context.account)) }
        if let first = context.firstByteAt {
            fields.append(LogField("first_byte_ms", milliseconds: first.milliseconds(since: context.receivedAt)))
        }
        if context.streams { fields.append(LogField("chunks", context.chunks)) }
        if context.upstreamCalls > 0 { fields.append(LogField("upstream_calls", context.upstreamCalls)) }
        if let usage = context.usage {
            fields.append(LogField("prompt_tokens", usage.prompt))
            fields.append(LogField("completion_tokens", usage.completion))
        }
        if let error {
            fields.append(LogField("error", error.label))
            if let cause = error.cause { fields.append(LogField("cause", cause)) }
        }
        log.write(logsAccess ? max(level, .info) : level, "request ended", fields)
    }
}
