internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts whole answers into OpenAI's words, one for each choice that was asked for.
enum OllamaAnswer {
    static func translate(
        _ bodies: [[UInt8]],
        to job: Job,
        created: Int,
        seed: UInt64
    ) throws(GatewayError) -> PlainAnswer {
        var documents: [JSONDocument] = []
        for body in bodies { documents.append(try UpstreamAnswer.parse(body)) }
        guard let first = documents.first?.root else { throw UpstreamAnswer.unexpected }
        let names = OllamaNames(first, model: job.model, now: created, seed: seed)
        var answer = ChatAnswer(id: names.id, model: names.model, created: names.created)
        answer.usesFunctions = job.request.document.root.present("functions") != nil
        answer.extra = { $0.member("system_fingerprint", OllamaNames.fingerprint) }
        var calls = OllamaCalls(seed: seed)
        for document in documents {
            answer.choices.append(try choice(document.root, &calls))
            guard let usage = OllamaEnd.usage(document.root) else { continue }
            let sum = answer.usage ?? TokenUsage()
            answer.usage = TokenUsage(
                prompt: sum.prompt + usage.prompt,
                completion: sum.completion + usage.completion
            )
        }
        return PlainAnswer(body: answer.bytes(), usage: answer.usage)
    }

    private static func choice(
        _ root: JSONValue,
        _ calls: inout OllamaCalls
    ) throws(GatewayError) -> ChatAnswer.Choice {
        if root.present("error") != nil { throw OllamaFailure.make(event: root) }
        guard root["done"]?.bool == true else { throw UpstreamAnswer.unexpected }
        var choice = ChatAnswer.Choice()
        let message = root["message"]
        choice.reasoning = message?["thinking"]?.string ?? ""
        var text = message?["content"]?.string ?? ""
        if choice.reasoning.isEmpty {
            var splitter = ThoughtSplitter()
            var pieces = splitter.take(text)
            pieces += splitter.finish()
            text = pieces.reduce("") { $1.isThought ? $0 : $0 + $1.text }
            choice.reasoning = pieces.reduce("") { $1.isThought ? $0 + $1.text : $0 }
        }
        for value in message?["tool_calls"]?.elements.map({ $0 }) ?? [] {
            guard let call = calls.call(value) else { throw UpstreamAnswer.unexpected }
            choice.calls.append(ChatAnswer.Call(id: call.id, name: call.name, arguments: call.arguments))
        }
        // An answer without a word is one as well, beside calls none.
        choice.text = text.isEmpty && !choice.calls.isEmpty ? nil : text
        if let list = root["logprobs"], list.isArray, list.count > 0 { choice.logprobs = OllamaEnd.logprobs(list) }
        choice.finish = OllamaEnd.reason(root, hasCalls: !choice.calls.isEmpty)
        choice.extra = { OllamaEnd.write(root, to: &$0) }
        return choice
    }
}
