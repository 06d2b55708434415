internal import Core
internal import JSON
internal import OpenAIAPI

/// Reads whole messages, one for each choice that was asked for.
enum AnthropicAnswer {
    static func translate(_ bodies: [[UInt8]], to job: Job, created: Int) throws(GatewayError) -> PlainAnswer {
        var documents: [JSONDocument] = []
        for body in bodies { documents.append(try message(body)) }
        guard let first = documents.first?.root else { throw .noMessage("there is no answer") }
        let id = first["id"]?.string ?? ""
        var answer = ChatAnswer(
            id: id.isEmpty ? "msg_\(created)" : id,
            model: first["model"]?.string ?? job.model,
            created: created
        )
        answer.usesFunctions = job.request.document.root.present("functions") != nil
        var kept: [KeptState] = []
        var sum = TokenUsage()
        var isCounted = false
        for (place, document) in documents.enumerated() {
            var reader = AnthropicMessageReader(answersByTool: AnthropicPlan.answersByTool(job), created, place)
            reader.read(document.root)
            answer.choices.append(reader.choice)
            kept += reader.record.kept
            guard let usage = reader.usage else { continue }
            isCounted = true
            sum = sum + usage
        }
        answer.usage = isCounted ? sum : nil
        answer.extra = { writer in
            if let tier = first["usage"]?.present("service_tier"), tier.isString {
                if tier.equals("standard") {
                    writer.member("service_tier", "default")
                } else {
                    writer.key("service_tier")
                    writer.value(tier)
                }
            }
            for name in ["container", "context_management"] as [StaticString] {
                guard let value = first.present(name) else { continue }
                writer.key(name)
                writer.value(value)
            }
        }
        return PlainAnswer(body: answer.bytes(), usage: answer.usage, kept: kept)
    }

    private static func message(_ body: [UInt8]) throws(GatewayError) -> JSONDocument {
        let document: JSONDocument
        do throws(JSONError) {
            document = try JSONDocument(parsing: body)
        } catch {
            throw .noMessage(error.description)
        }
        if document.root.present("error") != nil { throw AnthropicFailure.make(event: document.root) }
        guard document.root["content"]?.isArray == true else { throw .noMessage("it has no content") }
        return document
    }
}

extension GatewayError {
    fileprivate static func noMessage(_ cause: String) -> GatewayError {
        GatewayError(
            .upstreamInvalid,
            "The upstream's answer is not what was asked for.",
            source: .upstream,
            retry: .elsewhere,
            cause: cause
        )
    }
}

extension TokenUsage {
    fileprivate static func + (one: TokenUsage, other: TokenUsage) -> TokenUsage {
        TokenUsage(
            prompt: one.prompt + other.prompt,
            completion: one.completion + other.completion,
            cached: one.cached + other.cached,
            cacheWrite: one.cacheWrite + other.cacheWrite,
            reasoning: one.reasoning + other.reasoning
        )
    }
}
