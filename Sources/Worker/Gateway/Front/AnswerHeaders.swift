import Core
import EventLoop
import HTTPCodec
import Providers
import State
import Upstream

/// The header lines of answers.
enum AnswerHeaders {
    @LoopActor
    static func append(_ context: RequestContext, contentType: StaticString, to output: inout ByteBuffer) {
        output.append("Content-Type: " as StaticString)
        output.appendHeaderLine(contentType)
        output.appendHeader("X-Request-ID", context.id)
        // What Anthropic's clients look for.
        if context.route.errors != nil { output.appendHeader("Request-ID", context.id) }
        context.rates?.appendHeaders(to: &output)
        if let plan = context.plan { appendTurn(plan, to: &output) }
        appendTiming(context, to: &output)
    }

    /// How the conversation came to be what it is now, and what really answers.
    @LoopActor
    private static func appendTurn(_ plan: TurnPlan, to output: inout ByteBuffer) {
        guard let passage = plan.passage else { return }
        if !plan.conversation.isEmpty { output.appendHeader("X-Conversation-ID", plan.conversation) }
        output.appendHeader("X-Conversation", passage.rawValue)
        if !plan.ignored.isEmpty {
            output.appendHeader("X-Ignored-Parameters", plan.ignored.joined(separator: ", "))
        }
        if let model = plan.servedModel { output.appendHeader(HTTPHeader("X-Upstream-Model", model)) }
    }

    /// What tells proxies to keep their hands off a stream.
    static func appendStreaming(to output: inout ByteBuffer) {
        output.appendHeaderLine("Cache-Control: no-cache")
        output.appendHeaderLine("X-Accel-Buffering: no")
    }

    /// The vendor's headers that clients act on, and its own name for the request.
    /// The key's own limits, where it has any, matter more to its holder than those of the operator's account.
    static func appendUpstream(_ head: UpstreamHead?, showsLimits: Bool = true, to output: inout ByteBuffer) {
        guard let head else { return }
        for (name, value) in head.fields {
            switch name.count {
            case 10 where name.equalsIgnoringCase("request-id"):
                output.appendHeader("X-Upstream-Request-ID", value)
            case 12 where name.equalsIgnoringCase("x-request-id"):
                output.appendHeader("X-Upstream-Request-ID", value)
            case 17... where showsLimits && startsLikeRateLimit(name):
                output.appendHeader(HTTPHeader(name.text, value.text))
            case 22... where showsLimits && AnthropicLimitHeaders.contain(name):
                AnthropicLimitHeaders.append(name, value, now: WallClock.seconds(), to: &output)
            case 14 where name.equalsIgnoringCase("openai-version"): output.appendHeader("OpenAI-Version", value)
            case 19 where name.equalsIgnoringCase("openai-organization"): continue
            case 20 where name.equalsIgnoringCase("openai-processing-ms"):
                output.appendHeader("OpenAI-Processing-Ms", value)
            default: continue
            }
        }
    }

    static func appendRetry(_ error: GatewayError, calls: Int, to output: inout ByteBuffer) {
        if let seconds = error.retryAfter { output.appendHeader("Retry-After", decimal: seconds) }
        // The SDKs retry on their own; what the gateway has tried in vain elsewhere, or what waiting cannot mend, must
        // not be multiplied.
        if calls > 1 || error.code == .insufficientQuota || error.code == .upstreamRefusedCredentials {
            output.appendHeaderLine("X-Should-Retry: false")
        }
    }

    /// What the gateway itself spent, in milliseconds.
    @LoopActor
    private static func appendTiming(_ context: RequestContext, to output: inout ByteBuffer) {
        output.append("Server-Timing: auth;dur=" as StaticString)
        let authenticated = context.authenticatedAt ?? context.receivedAt
        output.append(milliseconds: authenticated.milliseconds(since: context.receivedAt))
        if let asked = context.upstreamAskedAt {
            output.append(", route;dur=" as StaticString)
            output.append(milliseconds: asked.milliseconds(since: authenticated))
            if let connect = context.connectMicroseconds {
                output.append(", connect;dur=" as StaticString)
                output.append(milliseconds: Double(connect) / 1000)
            }
            if let answered = context.upstreamAnsweredAt {
                output.append(", upstream;dur=" as StaticString)
                output.append(milliseconds: answered.milliseconds(since: asked))
            }
        }
        output.append(", total;dur=" as StaticString)
        output.append(milliseconds: LoopClock.now.milliseconds(since: context.receivedAt))
        output.append("\r\n" as StaticString)
    }

    private static func startsLikeRateLimit(_ name: ArraySlice<UInt8>) -> Bool {
        name.prefix(12).equalsIgnoringCase("x-ratelimit-")
    }
}
