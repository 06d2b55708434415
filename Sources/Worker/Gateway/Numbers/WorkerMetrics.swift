import Core
import EventLoop
import OpenAIAPI
import Providers
import Upstream

/// What this worker has done, for `/metrics`.
@LoopActor
final class WorkerMetrics {
    struct Series: Hashable {
        let provider: String
        let model: String
        let status: Int
    }

    struct Failure: Hashable {
        let provider: String
        let error: String
    }

    /// Model names come from clients; past this many they are counted together.
    private static let seriesLimit = 1000

    private let upstream: UpstreamClient
    private var requests: [Series: UInt64] = [:]
    private var failures: [Failure: UInt64] = [:]
    private var ends: [EndReason: UInt64] = [:]
    private var firstByte = Histogram()
    private var whole = Histogram()
    private var promptTokens: UInt64 = 0
    private var completionTokens: UInt64 = 0
    private var chunks: UInt64 = 0
    private var unreadable: UInt64 = 0
    private(set) var open = 0

    init(upstream: UpstreamClient) {
        self.upstream = upstream
    }

    func requestBegan() { open += 1 }

    func refusedUnread() { unreadable += 1 }

    func attemptFailed(_ candidate: Candidate, _ error: GatewayError) {
        failures[Failure(provider: candidate.provider.name, error: error.label), default: 0] += 1
    }

    func requestEnded(_ context: RequestContext, status: Int, reason: EndReason, at now: Instant) {
        open -= 1
        ends[reason, default: 0] += 1
        guard let candidate = context.candidate else { return }
        var series = Series(provider: candidate.provider.name, model: candidate.model, status: status / 100)
        if requests[series] == nil, requests.count >= Self.seriesLimit {
            series = Series(provider: candidate.provider.name, model: "other", status: status / 100)
        }
        requests[series, default: 0] += 1
        whole.add(now.milliseconds(since: context.receivedAt))
        if let first = context.firstByteAt { firstByte.add(first.milliseconds(since: context.receivedAt)) }
        chunks += UInt64(context.chunks)
        if let usage = context.usage {
            promptTokens += UInt64(usage.prompt)
            completionTokens += UInt64(usage.completion)
        }
    }

    /// The text format of Prometheus.
    func exposition() -> [UInt8] {
        var text = ByteBuffer()
        text.append("# TYPE millrace_requests_total counter\n" as StaticString)
        for (series, count) in requests {
            text.append(
                "millrace_requests_total{provider=\"\(series.provider)\",model=\"\(Self.escaped(series.model))\","
                    + "status=\"\(series.status)xx\"} \(count)\n"
            )
        }
        text.append("# TYPE millrace_upstream_failures_total counter\n" as StaticString)
        for (failure, count) in failures {
            text.append(
                "millrace_upstream_failures_total{provider=\"\(failure.provider)\",error=\"\(failure.error)\"} \(count)\n"
            )
        }
        text.append("# TYPE millrace_ends_total counter\n" as StaticString)
        for reason in EndReason.allCases {
            text.append("millrace_ends_total{reason=\"\(reason.rawValue)\"} \(ends[reason] ?? 0)\n")
        }
        text.append("# TYPE millrace_first_byte_seconds histogram\n" as StaticString)
        firstByte.write("millrace_first_byte_seconds", "", to: &text)
        text.append("# TYPE millrace_request_seconds histogram\n" as StaticString)
        whole.write("millrace_request_seconds", "", to: &text)
        let statistics = upstream.statistics
        for (name, kind, value) in [
            ("millrace_tokens_prompt_total", "counter", Int(promptTokens)),
            ("millrace_tokens_completion_total", "counter", Int(completionTokens)),
            ("millrace_chunks_total", "counter", Int(chunks)),
            ("millrace_unreadable_requests_total", "counter", Int(unreadable)),
            ("millrace_open_requests", "gauge", open),
            ("millrace_upstream_open_transfers", "gauge", statistics.openTransfers),
            ("millrace_upstream_open_connections", "gauge", statistics.openConnections),
            ("millrace_upstream_connections_made_total", "counter", statistics.connectionsMade),
            ("millrace_upstream_connections_reused_total", "counter", statistics.connectionsReused),
        ] { text.append("# TYPE \(name) \(kind)\n\(name) \(value)\n") }
        return text.take()
    }

    private static func escaped(_ label: String) -> String {
        var text = ""
        // By scalars: a carriage return and a line feed together are one character.
        for scalar in label.unicodeScalars.prefix(120) {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
