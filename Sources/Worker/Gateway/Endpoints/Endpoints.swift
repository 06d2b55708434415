import Core
import EventLoop
import HTTPServer
import JSON

/// The endpoints that answer from the worker's own knowledge.
@LoopActor
enum Endpoints {
    static func health(_ context: RequestContext) {
        sendStatus("{\"status\":\"ok\"}", context)
    }

    static func sendStatus(_ json: StaticString, _ context: RequestContext) {
        var body = ByteBuffer()
        body.append(json)
        send(body.take(), context)
    }

    static func metrics(_ metrics: ClusterMetrics, _ scope: ClusterMetrics.Scope, _ context: RequestContext) async {
        let text = await metrics.exposition(scope)
        context.exchange.respond(status: 200, body: text) { output in
            AnswerHeaders.append(context, contentType: "text/plain; version=0.0.4; charset=utf-8", to: &output)
        }
    }

    static func models(_ gateway: Gateway, _ context: RequestContext) async {
        let entries = await gateway.catalog.entries()
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("object", "list")
        writer.key("data")
        writer.beginArray()
        for entry in entries { entry.write(to: &writer) }
        writer.endArray()
        writer.endObject()
        send(writer.take(), context)
    }

    static func model(
        _ name: String,
        _ gateway: Gateway,
        _ context: RequestContext
    ) async throws(GatewayError) {
        let entries = await gateway.catalog.entries()
        guard let entry = gateway.catalog.find(name, in: entries) else {
            throw gateway.router.unknown(name, known: entries.map(\.id))
        }
        var writer = JSONWriter()
        entry.write(to: &writer)
        send(writer.take(), context)
    }

    private static func send(_ body: [UInt8], _ context: RequestContext) {
        context.exchange.respond(status: 200, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
        }
    }
}
