internal import Core
internal import JSON
internal import OpenAIAPI

/// Reads a whole answer, after a look at whether it is one.
enum MiniMaxAnswer {
    static func translate(_ body: [UInt8], to job: Job) throws(GatewayError) -> PlainAnswer {
        let root = try UpstreamAnswer.parse(body).root
        if let error = MiniMaxFailure.made(root) { throw error }
        guard let choices = root.present("choices"), choices.isArray else { throw UpstreamAnswer.unexpected }
        var answer = ChatAnswer(
            id: root["id"]?.string ?? "",
            model: root["model"]?.string ?? job.model,
            created: root["created"]?.int ?? 0
        )
        answer.usesFunctions = job.request.document.root.present("functions") != nil
        var kept: [KeptState] = []
        for choice in choices.elements {
            guard let message = choice["message"] else { throw UpstreamAnswer.unexpected }
            let made = read(choice, message, root)
            if let call = made.calls.first, !made.reasoning.isEmpty {
                kept.append(KeptState(call: call.id, state: MiniMaxReasoning.details(made.reasoning)))
            }
            answer.choices.append(made)
        }
        answer.usage = MiniMaxUsage.read(root["usage"])
        return PlainAnswer(body: answer.bytes(), usage: answer.usage, kept: kept)
    }

    private static func read(_ choice: JSONValue, _ message: JSONValue, _ root: JSONValue) -> ChatAnswer.Choice {
        var made = ChatAnswer.Choice()
        made.text = message.present("content")?.string
        made.reasoning = message.present("reasoning_content")?.string ?? ""
        for (place, call) in (message.present("tool_calls")?.elements.map { $0 } ?? []).enumerated() {
            let arguments = call["function"]?["arguments"]?.string ?? ""
            made.calls.append(
                ChatAnswer.Call(
                    id: call["id"]?.string ?? "call_\(answerID(root))_\(place)",
                    name: call["function"]?["name"]?.string ?? "",
                    arguments: arguments.isEmpty ? "{}" : arguments
                )
            )
        }
        made.finish = MiniMaxEnd.reason(choice["finish_reason"]?.string, hasCalls: !made.calls.isEmpty, of: root)
        if made.text?.isEmpty == true, made.finish == .contentFilter || !made.calls.isEmpty { made.text = nil }
        return made
    }

    private static func answerID(_ root: JSONValue) -> String { root["id"]?.string ?? "0" }
}

/// The usage that is one: running chunks carry a total of nothing as a placeholder.
enum MiniMaxUsage {
    static func read(_ value: JSONValue?) -> TokenUsage? {
        guard var usage = TokenUsage(value), let total = value?["total_tokens"]?.int, total > 0 else { return nil }
        // The oldest models tell the total alone; more than that is not known, and not made up.
        if usage.total == 0 { usage.prompt = min(total, 1 << 40) }
        return usage
    }
}

/// Why an answer ended.
enum MiniMaxEnd {
    static func reason(_ word: String?, hasCalls: Bool, of root: JSONValue) -> FinishReason {
        switch word {
        case "length", "max_tokens": .length
        case "content_filter": .contentFilter
        case _ where root["output_sensitive"]?.bool == true: .contentFilter
        case "tool_calls": .toolCalls
        default: hasCalls ? .toolCalls : .stop
        }
    }
}
