internal import Core
internal import JSON
internal import OpenAIAPI

/// Reads a whole answer, after a look at whether it is one.
enum MiniMaxAnswer {
    static func translate(_ body: [UInt8], to job: Job, created: Int) throws(GatewayError) -> PlainAnswer {
        let root = try UpstreamAnswer.parse(body).root
        let message = root["choices"]?[0].flatMap { self.message(of: $0) }
        let isCut = MiniMaxFailure.code(of: root) == 1027
        if let failure = MiniMaxFailure.made(root) {
            // What was written before the censor stepped in is still an answer.
            guard isCut, message?["content"]?.string?.isEmpty == false else { throw failure }
        }
        guard let choice = root["choices"]?[0], let message else { throw UpstreamAnswer.unexpected }
        let names = MiniMaxNames(root, model: job.model, now: created)
        var answer = ChatAnswer(id: names.id, model: names.model, created: names.created)
        answer.usesFunctions = job.request.document.root.present("functions") != nil
        let made = read(choice, message, isCut: isCut || MiniMaxEnd.isSensitive(root))
        answer.choices = [made]
        answer.usage = MiniMaxUsage.read(root["usage"])
        answer.extra = { MiniMaxEnd.writeFlags(root, to: &$0) }
        return PlainAnswer(body: answer.bytes(), usage: answer.usage, kept: kept(made))
    }

    /// With the vendor's own search there are several messages, the last of the assistant's being the answer.
    static func message(of choice: JSONValue) -> JSONValue? {
        if let message = choice.present("message"), message.isObject { return message }
        return choice["messages"]?.elements.filter { $0["role"]?.equals("assistant") == true }.last
    }

    private static func read(_ choice: JSONValue, _ message: JSONValue, isCut: Bool) -> ChatAnswer.Choice {
        var made = ChatAnswer.Choice()
        var splitter = ThoughtSplitter()
        let pieces = splitter.take(message["content"]?.string ?? "") + splitter.finish()
        let text = pieces.reduce("") { $1.isThought ? $0 : $0 + $1.text }
        made.reasoning = MiniMaxReasoning.texts(of: message).reduce("") { $0 + ($1.string ?? "") }
        if made.reasoning.isEmpty { made.reasoning = pieces.reduce("") { $1.isThought ? $0 + $1.text : $0 } }
        var ids = MiniMaxCallIDs()
        for call in message["tool_calls"]?.elements.map({ $0 }) ?? [] {
            guard let function = call["function"], let name = function["name"]?.string, !name.isEmpty else { continue }
            let arguments = arguments(function.present("arguments"))
            made.calls.append(ChatAnswer.Call(id: ids.id(call["id"]?.string), name: name, arguments: arguments))
        }
        made.finish = MiniMaxEnd.reason(choice["finish_reason"], hasCalls: !made.calls.isEmpty, isCut: isCut)
        // An answer without a word is one as well, unless there are calls, or a censor was at work.
        made.text = text.isEmpty && (!made.calls.isEmpty || made.finish == .contentFilter) ? nil : text
        return made
    }

    private static func arguments(_ value: JSONValue?) -> String {
        guard let value else { return "{}" }
        if value.isObject { return String(decoding: value.raw, as: UTF8.self) }
        return value.string.flatMap { $0.isEmpty ? nil : $0 } ?? "{}"
    }

    private static func kept(_ choice: ChatAnswer.Choice) -> [KeptState] {
        guard let call = choice.calls.first, !choice.reasoning.isEmpty,
            choice.reasoning.utf8.count < MiniMaxStreamedAnswer.keptLimit
        else { return [] }
        var writer = JSONWriter()
        writer.string(choice.reasoning)
        return [KeptState(call: call.id, state: MiniMaxReasoning.details(writer.take()[...]))]
    }
}
