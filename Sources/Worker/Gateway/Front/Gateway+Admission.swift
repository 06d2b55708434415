import Admin
import Core
import Dialects
import EventLoop
import HTTPCodec
import HTTPServer
import OpenAIAPI
import Providers
import State

/// From the request line to the first upstream call: who asks, whether the key allows it, what it may cost.
extension Gateway {
    func begin(_ request: ServerRequest, _ context: RequestContext) throws(GatewayError) {
        switch context.route {
        case .health:
            Endpoints.health(context)
            settle(context, .done)
        case .ready:
            try readiness.answer(context)
            settle(context, .done)
        case .file(let name):
            // Ends with the last of the calls for it, all of which have deadlines.
            Task.immediate { @LoopActor in
                do throws(GatewayError) {
                    try await serveFile(name, context)
                    settle(context, context.exchange.isClientGone ? .clientGone : .done)
                } catch {
                    refuse(error, context)
                }
            }
        case .metrics:
            let scope = ClusterMetrics.Scope(query: request.head.query)
            // Ends with the answer of Redis, which has a deadline.
            Task.immediate { @LoopActor in
                await Endpoints.metrics(clusterMetrics, scope, context)
                settle(context, .done)
            }
        case .admin:
            guard let admin else { throw .invalid(nil, "There is nothing at this path.", code: .notFound) }
            admin.handle(request, context.exchange, requestID: context.id) { [self] status in
                settle(context, status < 500 ? .done : .gatewayError)
            }
        case .mirror(let route):
            guard let mirror else { throw .invalid(nil, "There is nothing at this path.", code: .notFound) }
            context.meetClient()
            try mirror.answer(request, route, context)
        case .model, .messages, .countTokens, .responses, .response, .models, .modelDetails, .reverseChat,
            .reverseCount,
            .reverseModes:
            switch try authenticator.check(request.head) {
            case .caller(let caller):
                let brought = authenticator.brought(request.head, by: caller)
                context.ownKey = brought.token
                context.workspace = brought.workspace
                try admit(caller, request, context)
            case .unknown(let digest):
                // Ends with the answer of the key ring, which has a deadline.
                Task.immediate { @LoopActor in await lookUp(digest, request, context) }
            }
        case .wrongMethod(let allowed):
            throw .invalid(nil, "This path takes \(allowed) requests only.", code: .methodNotAllowed)
        case .unknown:
            throw .invalid(nil, "There is nothing at this path.", code: .notFound)
        }
    }

    private func lookUp(_ digest: String, _ request: ServerRequest, _ context: RequestContext) async {
        do throws(GatewayError) {
            try admit(try await authenticator.caller(ofKeyWithDigest: digest), request, context)
        } catch {
            refuse(error, context)
        }
    }

    /// Serves a request whose caller is known.
    private func admit(_ caller: Caller, _ request: ServerRequest, _ context: RequestContext) throws(GatewayError) {
        context.caller = caller.name
        context.key = caller.record
        context.authenticatedAt = LoopClock.now
        switch context.route {
        case .model(let operation): try route(ModelRequest(operation, body: request.body), caller, context)
        case .messages, .countTokens, .responses, .response, .reverseChat, .reverseCount:
            try converse(request.body, caller, context)
        case .reverseModes:
            Endpoints.send(ReverseDialect.modes(), context)
            settle(context, .done)
        case .modelDetails(let name):
            try Endpoints.model(name, self, context)
            settle(context, .done)
        default:
            Endpoints.models(self, context)
            settle(context, .done)
        }
    }

    /// Serves what is, by now, a request in the canonical words.
    func route(_ asked: ModelRequest, _ caller: Caller, _ context: RequestContext) throws(GatewayError) {
        context.model = asked.model
        guard caller.allows(model: asked.model) else {
            throw .invalid(
                "model",
                "This API key may not use the model '\(asked.model.prefix(100))'.",
                code: .permissionDenied
            )
        }
        context.streams = asked.streams && asked.operation != .embedding
        let limit = configuration.retryTimes + 1
        context.ownKey = context.ownKey ?? OwnCredential.find(in: asked)
        guard
            let itinerary = router.itinerary(
                for: asked.model,
                asked.operation,
                limit: limit,
                hasOwnKey: context.ownKey != nil,
                random: &random
            )
        else {
            if let reason = router.wait(for: asked.model, asked.operation) { throw reason }
            throw router.unknown(asked.model, known: catalog.knownNames)
        }
        if context.wantsConversation, itinerary.web?.traits.remembers != true {
            throw .invalid("model", "This model's conversations are not kept: send their history instead.")
        }
        guard let record = caller.record, !record.limits.isUnlimited, let rateLimits else {
            return serve(asked, itinerary, context)
        }
        let charge = estimate(asked, itinerary, record, context)
        rateLimits.reserve(charge, record.limits) { [self] result in
            switch result {
            case .success(let rates):
                context.charge = charge
                context.rates = rates
                // Whoever has left meanwhile is noticed where the first upstream would be asked.
                serve(asked, itinerary, context)
            case .failure(let error):
                context.rates = rateLimits.status(of: record.digest)
                metrics.limited(error)
                refuse(error, context)
            }
        }
    }

    /// What is set aside for the request until it is known what it used.
    private func estimate(
        _ request: ModelRequest,
        _ itinerary: Itinerary,
        _ record: KeyRecord,
        _ context: RequestContext
    ) -> Charge {
        var usage = TokenEstimate.usage(of: request)
        context.estimate = usage
        if let most = record.limits.mostTokens, usage.total > most, !TokenEstimate.isLimited(request) {
            // A key with a small limit must not be unusable because of a guess.
            usage.completion = max(1, most - usage.prompt)
        }
        let cost = itinerary.first.flatMap { prices.cost($0, usage) }
        return Charge(digest: record.digest, tokens: usage.total, cost: cost ?? 0, isStream: context.streams)
    }

    private func serve(_ request: ModelRequest, _ itinerary: Itinerary, _ context: RequestContext) {
        guard let provider = itinerary.web else {
            context.head = nil
            return start(request, itinerary, context)
        }
        context.meetClient()
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                try await plan(request, provider, context)
                if let home = context.plan?.home(at: provider.name) { itinerary.preference = (provider.name, home) }
                if context.ownKey != nil { itinerary.ownKeyProvider = provider.name }
                start(request, itinerary, context)
            } catch {
                refuse(error, context)
            }
        }
    }

    private func start(_ request: ModelRequest, _ itinerary: Itinerary, _ context: RequestContext) {
        if context.streams {
            StreamServing(request, itinerary, context, gateway: self).begin()
        } else {
            // The one task of the request, begun only now: whatever was needed to get here is gone while it waits. It
            // ends with the request's deadline at the latest.
            Task.immediate { @LoopActor in await answerWhole(request, itinerary, context) }
        }
    }
}
