import Core
import Crypto
import Dialects
import EventLoop
import HTTPServer
import OpenAIAPI
import State
import Tokenizer

/// Requests in other dialects than chat: said in its words, and from there on served as any other.
extension Gateway {
    func converse(_ body: [UInt8], _ caller: Caller, _ context: RequestContext) throws(GatewayError) {
        switch context.route {
        case .messages:
            let request = try MessagesDialect.request(body)
            context.dialect = MessagesDialect(id: try Self.newName(), model: request.model)
            try route(request, caller, context)
        case .countTokens:
            let request = try MessagesDialect.request(counting: body)
            // Ends when all is counted, other work of the loop being done in between.
            Task.immediate { @LoopActor in
                await Endpoints.tokens(request, context)
                settle(context, .done)
            }
        case .responses where ContinuationRequest.isOne(body): try goOn(body, caller, context)
        case .responses: try respond(try ResponsesRequest(body), caller, context)
        case .reverseChat:
            let request = try ReverseRequest.chat(body)
            context.dialect = ReverseDialect(request)
            try route(request, caller, context)
        case .reverseCount:
            let text = try ReverseDialect.counted(body)
            let count = TokenEncoding(forModel: "gpt-3.5-turbo").count(Array(text.utf8))
            Endpoints.send(ReverseDialect.count(count, of: text), context)
            settle(context, .done)
        case .response(let id, let part):
            // Ends with the answer of Redis, which has a deadline.
            Task.immediate { @LoopActor in
                do throws(GatewayError) {
                    try await Endpoints.response(id, part, self, context)
                    settle(context, .done)
                } catch {
                    refuse(error, context)
                }
            }
        default: break
        }
    }

    /// A message to a conversation that lives at an upstream, by the name it was given here.
    private func goOn(_ body: [UInt8], _ caller: Caller, _ context: RequestContext) throws(GatewayError) {
        context.errors = ContinuationErrors()
        context.wantsConversation = true
        let request = try ContinuationRequest.chat(body)
        let name = "resp-" + (try Self.newName()).prefix(24)
        if request.streams { context.streamName = name } else { context.dialect = ContinuationDialect(id: name) }
        try route(request, caller, context)
    }

    private func respond(
        _ request: ResponsesRequest,
        _ caller: Caller,
        _ context: RequestContext
    ) throws(GatewayError) {
        guard let previous = request.previous else { return try respond(request, history: nil, caller, context) }
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                guard let history = try await stored(previous, context) else {
                    throw .invalid(
                        "previous_response_id",
                        "There is no response with the id '\(previous.prefix(100))'.",
                        code: .previousResponseNotFound
                    )
                }
                try respond(request, history: history, caller, context)
            } catch {
                refuse(error, context)
            }
        }
    }

    private func respond(
        _ request: ResponsesRequest,
        history: [UInt8]?,
        _ caller: Caller,
        _ context: RequestContext
    ) throws(GatewayError) {
        let chat = try request.chat(history: history)
        context.dialect = ResponsesDialect(
            request,
            id: try Self.newName(),
            created: WallClock.seconds(),
            history: history
        )
        try route(chat, caller, context)
    }

    /// The record of a response, if the caller has one of that name.
    func stored(_ id: String, _ context: RequestContext) async throws(GatewayError) -> [UInt8]? {
        guard let responses else { throw .noStore }
        return try await responses.find(id, owner: context.owner)
    }

    /// Keeps what a later request may refer to. An answer that cannot be kept is still an answer.
    func keep(_ answer: [UInt8], _ context: RequestContext) async {
        guard let responses, let record = context.dialect?.record(of: answer) else { return }
        if await !responses.keep(record.record, id: record.id, owner: context.owner) {
            log(.warning, "response not kept", LogField("request_id", context.id), LogField("bytes", answer.count))
        }
    }

    /// Random, so that nobody can tell one answer's name from another's.
    private static func newName() throws(GatewayError) -> String {
        do throws(CryptoError) {
            return try SecureRandom.hex(bytes: 16)
        } catch {
            throw GatewayError(.internalError, "No random bytes can be had.")
        }
    }
}

extension GatewayError {
    static var noStore: GatewayError {
        var error = GatewayError(.stateUnavailable, "Responses cannot be kept at present.")
        error.retryAfter = 1
        return error
    }
}
