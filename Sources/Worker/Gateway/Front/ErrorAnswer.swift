import Core
import Dialects
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI

/// Answers a request that has had no byte yet with an error.
enum ErrorAnswer {
    @LoopActor
    static func send(_ error: GatewayError, _ context: RequestContext) {
        let body =
            (context.errors ?? context.route.errors)?.body(error, requestID: context.id)
            ?? ErrorBody.bytes(error, requestID: context.id)
        context.exchange.respond(status: error.status, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
            if case .wrongMethod(let allowed) = context.route {
                output.append("Allow: " as StaticString)
                output.appendHeaderLine(allowed)
            }
            AnswerHeaders.appendRetry(error, calls: context.upstreamCalls, to: &output)
        }
    }
}
