internal import Core
internal import OpenAIAPI

/// What an answer must be like, for upstreams that can be told so in words only: the tools that it may call, the form of its
/// text, where it ends.
package struct AnswerForm: Sendable {
    let tools: ToolPrompt?
    let structured: StructuredAnswer?
    let cutter: StopCutter
    let usesFunctions: Bool

    /// Any text will do.
    package static var free: AnswerForm {
        AnswerForm(
            tools: nil,
            structured: nil,
            cutter: StopCutter(stops: [], limit: nil) { _ in 0 },
            usesFunctions: false
        )
    }

    private init(tools: ToolPrompt?, structured: StructuredAnswer?, cutter: StopCutter, usesFunctions: Bool) {
        self.tools = tools
        self.structured = structured
        self.cutter = cutter
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
        tools = try ToolPrompt(chat)
        structured = StructuredAnswer(chat.responseFormat)
        cutter = try StopCutter(chat, count: count)
        usesFunctions = chat.usesFunctions
    }

    /// What the model is told of it.
    var instructions: [String] { [tools?.text, structured?.instruction].compactMap { $0 } }
}
