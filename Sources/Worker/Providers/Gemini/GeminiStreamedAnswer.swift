internal import Core
internal import JSON
internal import OpenAIAPI

/// Makes chunks of the events of one answer, each of which adds parts to one or more candidates.
struct GeminiStreamedAnswer {
    /// What must be known of a candidate when the stream ends.
    private struct Choice {
        /// The last that was said: old models say one with every event.
        var reason: String?
        var calls = 0
        var images = 0
        var hasContent = false
    }

    /// The most candidates that anybody can ask for.
    private static let mostChoices = 128

    private let model: String
    private let created: Int
    private let wantsUsage: Bool
    private let usesFunctions: Bool
    private let keeper: GeminiKeeper
    private var ids: GeminiCallIDs
    /// Nothing before the first event, which says what all chunks share.
    private var writer: ChunkWriter?
    private var choices: [Choice] = []
    private var usage: TokenUsage?
    private var block: String?

    init(for job: Job, created: Int, seed: UInt64) {
        model = job.model
        self.created = created
        wantsUsage = job.request.wantsUsage
        usesFunctions = job.request.document.root.present("functions") != nil
        keeper = GeminiKeeper(job)
        ids = GeminiCallIDs(seed: seed)
    }

    mutating func take(_ event: JSONValue, into output: inout StreamOutput) {
        if writer == nil { begin(event) }
        for (key, value) in event.members {
            if key.equals("candidates") {
                for candidate in value.elements where output.end == nil { take(candidate: candidate, into: &output) }
            } else if key.equals("usageMetadata") {
                // Running totals, of which the last is right.
                usage = GeminiUsage.usage(value) ?? usage
            } else if key.equals("promptFeedback"), block == nil, let reason = GeminiEnd.block(event) {
                block = reason
            }
        }
        output.usage = usage
    }

    /// The body has ended as it should: now the reasons hold.
    mutating func finish(into output: inout StreamOutput) {
        if let block { refuse(block, into: &output) }
        guard !choices.isEmpty else {
            output.end = .failed(.cut)
            return
        }
        var ends: [(FinishReason, String)] = []
        for choice in choices {
            guard let native = choice.reason else {
                output.end = .failed(.cut)
                return
            }
            let isBlocked = native == block
            guard
                let reason = isBlocked
                    ? .contentFilter
                    : GeminiEnd.reason(native, hasContent: choice.hasContent, hasCalls: choice.calls > 0)
            else {
                output.end = .failed(GeminiEnd.nothing(native))
                return
            }
            ends.append((reason, native))
        }
        for (place, end) in ends.enumerated() {
            writer?.finish(end.0, choice: place, into: &output.events) { GeminiEnd.writeNative(end.1, to: &$0) }
        }
        if let usage { writer?.usage(usage, into: &output.events) }
        output.hasContent = true
        output.end = .done
    }

    private mutating func begin(_ event: JSONValue) {
        let names = GeminiNames(event, model: model, seed: ids.seed)
        writer = ChunkWriter(
            id: names.id,
            model: names.model,
            created: created,
            includesUsage: wantsUsage,
            usesFunctions: usesFunctions
        )
    }

    /// The prompt was blocked: there is no candidate, or one that goes no further.
    private mutating func refuse(_ block: String, into output: inout StreamOutput) {
        if choices.isEmpty {
            choices.append(Choice())
            writer?.refusal(GeminiEnd.refusal(block), into: &output.events)
        }
        for place in choices.indices where choices[place].reason == nil { choices[place].reason = block }
    }

    private mutating func take(candidate: JSONValue, into output: inout StreamOutput) {
        var content: JSONValue?
        var reason: JSONValue?
        var logprobs: JSONValue?
        var isCited = false
        var index = 0
        for (key, value) in candidate.members {
            if key.equals("content") {
                content = value
            } else if key.equals("index") {
                index = value.int ?? 0
            } else if key.equals("finishReason") {
                reason = value
            } else if key.equals("logprobsResult") {
                logprobs = value
            } else if key.equals("citationMetadata") || key.equals("groundingMetadata") {
                isCited = true
            }
        }
        guard (0..<Self.mostChoices).contains(index) else {
            output.end = .failed(.garbled("a candidate has no place"))
            return
        }
        while choices.count <= index { choices.append(Choice()) }
        if let parts = content?["parts"] {
            for part in parts.elements where output.end == nil {
                take(GeminiPart(part), of: index, logprobs.take(), into: &output)
            }
        }
        if isCited, let annotations = GeminiCitations.annotations(candidate) {
            writer?.delta(choice: index, isContent: false, into: &output.events) {
                $0.member("annotations", annotations)
            }
            output.hasContent = true
        }
        guard let reason, reason.isString, !reason.isEmptyString else { return }
        if let known = choices[index].reason, reason.equals(known) { return }
        choices[index].reason = reason.string
    }

    private mutating func take(
        _ part: GeminiPart,
        of index: Int,
        _ logprobs: JSONValue?,
        into output: inout StreamOutput
    ) {
        if let call = part.call { return take(call: call, part.signature, of: index, into: &output) }
        if let text = part.text, !text.isEmptyString {
            if part.isThought {
                writer?.reasoning(text, choice: index, into: &output.events)
            } else {
                choices[index].hasContent = true
                write(text, of: index, logprobs, into: &output)
            }
            output.hasContent = true
        }
        if let signature = part.signature {
            writer?.delta(choice: index, isContent: false, into: &output.events) {
                GeminiKept.writeExtra(.slice(signature.raw), to: &$0)
            }
        }
        if let blob = part.blob, !part.isThought { take(blob: blob, of: index, into: &output) }
    }

    private mutating func write(
        _ text: JSONValue,
        of index: Int,
        _ logprobs: JSONValue?,
        into output: inout StreamOutput
    ) {
        guard let logprobs, logprobs.isObject else {
            writer?.text(text, choice: index, into: &output.events)
            return
        }
        writer?.delta(choice: index, logprobs: GeminiLogprobs.fragment(logprobs), into: &output.events) {
            $0.member("content", .slice(text.raw))
        }
    }

    private mutating func take(
        call value: JSONValue,
        _ signature: JSONValue?,
        of index: Int,
        into output: inout StreamOutput
    ) {
        guard let call = ids.call(value, signature: signature) else {
            output.end = .failed(.garbled("a call has no name"))
            return
        }
        if let state = keeper.state(of: call) { output.kept.append(state) }
        writer?.toolCall(
            choices[index].calls,
            id: call.id,
            name: call.name,
            arguments: call.arguments,
            choice: index,
            into: &output.events
        ) { writer in
            if let signature = call.signature { GeminiKept.writeExtra(signature, to: &writer) }
        }
        choices[index].calls += 1
        choices[index].hasContent = true
        output.hasContent = true
    }

    private mutating func take(blob: JSONValue, of index: Int, into output: inout StreamOutput) {
        let place = choices[index].images
        let id = "audio_\(String(ids.seed, radix: 16))"
        writer?.delta(choice: index, isContent: false, into: &output.events) { writer in
            if GeminiBlob.isAudio(blob) {
                GeminiBlob.writeAudio(blob, id: id, to: &writer)
            } else {
                GeminiBlob.writeImages([blob], first: place, to: &writer)
            }
        }
        if !GeminiBlob.isAudio(blob) { choices[index].images += 1 }
        choices[index].hasContent = true
        output.hasContent = true
    }
}
