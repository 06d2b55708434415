import Core
import Dialects
import EventLoop
import HTTPServer
import JSON
import OpenAIAPI
import State

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

    static func models(_ gateway: Gateway, _ context: RequestContext) {
        let entries = gateway.catalog.entries()
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
    ) throws(GatewayError) {
        let entries = gateway.catalog.entries()
        guard let entry = gateway.catalog.find(name, in: entries) else {
            throw gateway.router.unknown(name, known: entries.map(\.id))
        }
        var writer = JSONWriter()
        entry.write(to: &writer)
        send(writer.take(), context)
    }

    /// What is kept of a response, in one form or another.
    static func response(
        _ id: String,
        _ part: Route.StoredPart,
        _ gateway: Gateway,
        _ context: RequestContext
    ) async throws(GatewayError) {
        let missing = GatewayError.invalid(
            "response_id",
            "There is no response with the id '\(id.prefix(100))'.",
            code: .notFound
        )
        if case .removal = part {
            guard let responses = gateway.responses else { throw .noStore }
            guard try await responses.remove(id, owner: context.owner) else { throw missing }
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("id", id)
            writer.member("object", "response")
            writer.member("deleted", true)
            writer.endObject()
            return send(writer.take(), context)
        }
        guard let record = try await gateway.stored(id, context) else { throw missing }
        let body: [UInt8]? =
            if case .inputItems = part { ResponsesRecord.inputItems(record, id: id) } else {
                ResponsesRecord.response(record)
            }
        guard let body else { throw missing }
        send(body, context)
    }

    static func tokens(_ request: ModelRequest, _ context: RequestContext) async {
        let count = await TokenCount.prompt(of: request)
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("input_tokens", count)
        writer.endObject()
        send(writer.take(), context)
    }

    static func send(_ body: [UInt8], _ context: RequestContext) {
        context.exchange.respond(status: 200, body: body) { output in
            AnswerHeaders.append(context, contentType: "application/json", to: &output)
        }
    }
}
