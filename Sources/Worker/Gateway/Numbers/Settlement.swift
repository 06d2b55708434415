import Core
import EventLoop
import HTTPCodec
import OpenAIAPI
import Providers
import State

/// Writes down how a request ended, after its client has had the last byte.
@LoopActor
struct Settlement {
    let metrics: WorkerMetrics
    let counters: RequestCounters?
    let log: Log
    let logsAccess: Bool

    func settle(_ context: RequestContext, _ reason: EndReason, _ error: GatewayError?) {
        let now = LoopClock.now
        let status = error?.status ?? (reason == .clientGone ? 499 : 200)
        metrics.requestEnded(context, status: status, reason: reason, at: now)
        if let candidate = context.candidate {
            counters?.count(provider: candidate.provider.name, model: candidate.model, status: status)
        }
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
