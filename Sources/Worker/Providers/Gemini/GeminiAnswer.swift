internal import Core
internal import JSON
internal import OpenAIAPI

/// Puts a whole answer into OpenAI's words.
struct GeminiAnswer {
    private let keeper: GeminiKeeper
    private var ids: GeminiCallIDs
    private var kept: [KeptState] = []

    static func translate(
        _ body: [UInt8],
        to job: Job,
        created: Int,
        seed: UInt64
    ) throws(GatewayError) -> PlainAnswer {
        let document = try UpstreamAnswer.parse(body)
        let root = document.root[0] ?? document.root
        if let error = GeminiFailure.body(of: root) { throw GeminiFailure.make(event: error) }
        var translation = GeminiAnswer(keeper: GeminiKeeper(job), ids: GeminiCallIDs(seed: seed))
        let names = GeminiNames(root, model: job.model, seed: seed)
        var answer = ChatAnswer(id: names.id, model: names.model, created: created)
        for candidate in root["candidates"]?.elements.map({ $0 }) ?? [] {
            answer.choices.append(try translation.choice(candidate))
        }
        if answer.choices.isEmpty {
            guard let block = GeminiEnd.block(root) else { throw UpstreamAnswer.unexpected }
            answer.choices.append(blocked(block))
        }
        answer.usesFunctions = job.request.document.root.present("functions") != nil
        answer.usage = root["usageMetadata"].flatMap { GeminiUsage.usage($0) }
        return PlainAnswer(body: answer.bytes(), usage: answer.usage, kept: translation.kept)
    }

    private static func blocked(_ block: String) -> ChatAnswer.Choice {
        var choice = ChatAnswer.Choice()
        choice.refusal = GeminiEnd.refusal(block)
        choice.finish = .contentFilter
        choice.extra = { GeminiEnd.writeNative(block, to: &$0) }
        return choice
    }

    private mutating func choice(_ candidate: JSONValue) throws(GatewayError) -> ChatAnswer.Choice {
        var choice = ChatAnswer.Choice()
        var blobs: [JSONValue] = []
        var signature: JSONValue?
        for value in candidate["content"]?["parts"]?.elements.map({ $0 }) ?? [] {
            let part = GeminiPart(value)
            if let call = part.call {
                try add(call, part.signature, to: &choice)
                continue
            }
            if let carried = part.signature { signature = carried }
            if let text = part.text?.string {
                if part.isThought {
                    choice.reasoning += text
                } else if !text.isEmpty {
                    choice.text = (choice.text ?? "") + text
                }
            }
            if let blob = part.blob, !part.isThought { blobs.append(blob) }
        }
        let native = candidate.present("finishReason")?.string ?? "FINISH_REASON_UNSPECIFIED"
        let hasContent = choice.text != nil || !choice.calls.isEmpty || !blobs.isEmpty
        guard let finish = GeminiEnd.reason(native, hasContent: hasContent, hasCalls: !choice.calls.isEmpty) else {
            throw GeminiEnd.nothing(native)
        }
        choice.finish = finish
        // The model ended without a word, which is an answer as well.
        if finish == .stop, choice.text == nil, blobs.isEmpty { choice.text = "" }
        if let result = candidate.present("logprobsResult") { choice.logprobs = GeminiLogprobs.fragment(result) }
        choice.extra = { GeminiEnd.writeNative(native, to: &$0) }
        let annotations = GeminiCitations.annotations(candidate)
        let audioID = "audio_\(String(ids.seed, radix: 16))"
        choice.messageExtra = { writer in
            if let annotations { writer.member("annotations", annotations) }
            let images = blobs.filter { !GeminiBlob.isAudio($0) }
            if !images.isEmpty { GeminiBlob.writeImages(images, to: &writer) }
            if let audio = blobs.first(where: GeminiBlob.isAudio) {
                GeminiBlob.writeAudio(audio, id: audioID, to: &writer)
            }
            if let signature { GeminiKept.writeExtra(.slice(signature.raw), to: &writer) }
        }
        return choice
    }

    private mutating func add(
        _ value: JSONValue,
        _ signature: JSONValue?,
        to choice: inout ChatAnswer.Choice
    ) throws(GatewayError) {
        guard let call = ids.call(value, signature: signature) else { throw UpstreamAnswer.unexpected }
        if let state = keeper.state(of: call) { kept.append(state) }
        choice.calls.append(
            ChatAnswer.Call(id: call.id, name: call.name, arguments: call.arguments) { writer in
                if let signature = call.signature { GeminiKept.writeExtra(signature, to: &writer) }
            }
        )
    }
}

/// What an answer calls itself.
struct GeminiNames {
    let id: String
    let model: String

    /// Old models give their answers no id.
    init(_ root: JSONValue, model: String, seed: UInt64) {
        let given = root["responseId"]?.string ?? ""
        let isUsable = !given.isEmpty && given.utf8.count <= 128
        id = "chatcmpl-" + (isUsable ? given : String(seed, radix: 16))
        let version = root["modelVersion"]?.string ?? ""
        self.model = GeminiModel(!version.isEmpty && version.utf8.count <= 256 ? version : model).name
    }
}
