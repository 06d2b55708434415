internal import Core
internal import OpenAIAPI

/// What an answer must be like, for upstreams that can be told so in words only: the tools that it may call, the form of its
/// text, where it ends.
package struct AnswerForm: Sendable {
    /// As it is before anything has been said.
    let emulated: EmulatedAnswer?
    let usesFunctions: Bool

    /// Any text will do.
    package static let free = AnswerForm(emulated: nil, usesFunctions: false)

    private init(emulated: EmulatedAnswer?, usesFunctions: Bool) {
        self.emulated = emulated
        self.usesFunctions = usesFunctions
    }

    /// `count` counts the tokens of a text.
    init(
        _ chat: ChatRequest,
        emulatesTools: Bool,
        count: @escaping @Sendable (String) -> Int
    ) throws(GatewayError) {
        if !emulatesTools, !chat.tools.isEmpty {
            throw .notHere(chat.usesFunctions ? "functions" : "tools", "This model has no tools.")
        }
        emulated = try EmulatedAnswer(chat, count: count)
        usesFunctions = chat.usesFunctions
    }

    /// What the model is told of it.
    var instructions: String { emulated?.instructions ?? "" }

    /// Whether anything that a user says could pass for a call.
    var hasTools: Bool { emulated?.tools != nil }
}
