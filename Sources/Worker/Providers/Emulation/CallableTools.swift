internal import Core
internal import JSON
package import OpenAIAPI

/// The tools that a model was told of: nothing else it says is taken for a call.
package struct CallableTools: Sendable {
    private let names: Set<String>
    /// Parameters that are texts by their schema, for dialects in which a value does not say what it is.
    private var texts: [String: Set<String>] = [:]

    package init(names: some Sequence<String>) {
        self.names = Set(names)
    }

    package init(_ tools: [FunctionTool]) {
        self.init(names: tools.map(\.name))
        for tool in tools {
            guard let properties = tool.parameters?["properties"] else { continue }
            for (key, schema) in properties.members where schema["type"]?.equals("string") == true {
                texts[tool.name, default: []].insert(key.string ?? "")
            }
        }
    }

    package var isEmpty: Bool { names.isEmpty }

    /// The tool that goes by this name; some models put their own name for the set before it.
    func name(_ spoken: ArraySlice<UInt8>) -> String? {
        let name = Blank.trimmed(spoken, quotes: true).text
        if names.contains(name) { return name }
        guard name.hasPrefix("functions.") else { return nil }
        let rest = String(name.dropFirst("functions.".count))
        return names.contains(rest) ? rest : nil
    }

    func isText(_ parameter: String, of tool: String) -> Bool { texts[tool]?.contains(parameter) == true }
}
