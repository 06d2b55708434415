/// Every provider there is, in the order in which bare model names are offered to them. Adding one means adding its folder
/// and its line here.
package enum ProviderCatalog {
    package static let definitions: [ProviderDefinition] = [
        OpenAIProvider.definition,
        AnthropicProvider.definition,
        GeminiProvider.definition,
        DeepSeekProvider.definition,
        MiniMaxProvider.definition,
        OllamaProvider.definition,
        HuggingFaceProvider.definition,
        GrokProvider.definition,
        FlowGPTProvider.definition,
        ChatGPTProvider.definition,
        EchoProvider.definition,
    ]

    /// The variables of all of them.
    package static var variables: [String] {
        definitions.flatMap { $0.keyVariables + $0.variables }
    }

    /// The providers that have accounts.
    package static var pools: [String] { definitions.filter(\.hasPool).map(\.name) }
}
