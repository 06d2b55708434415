internal import JSON

/// What the cluster has kept of an assistant's turn, to be put back where it was.
struct AnthropicKeptTurn {
    private var kept: [JSONValue] = []
    /// What the client says that the assistant said.
    private let text: String

    /// `state` is what `AnthropicTurnRecord` wrote; anything else counts as nothing.
    init(_ state: [UInt8]?, _ text: String) {
        self.text = text
        guard let state, let document = try? JSONDocument(parsing: state) else { return }
        kept = document.root.elements.map { $0 }
    }

    /// The blocks of the turn: those of the client, with the kept thinking among them.
    func blocks(with texts: [[UInt8]], _ uses: [(id: String, block: [UInt8])]) -> [[UInt8]] {
        if let woven = woven(uses) { return woven }
        return kept.prefix(while: AnthropicReasoning.isThinking).map { Array($0.raw) } + texts + uses.map(\.block)
    }

    /// The turn as it was recorded, where that is more than thinking at its front and the client has changed nothing.
    private func woven(_ uses: [(id: String, block: [UInt8])]) -> [[UInt8]]? {
        let others = kept.filter { !AnthropicReasoning.isThinking($0) }
        guard !others.isEmpty else { return nil }
        let said = others.reduce("") { $0 + ($1["text"]?.string ?? "") }
        let called = others.compactMap { $0["id"]?.string }
        guard said == text, called == uses.map(\.id) else { return nil }
        var rest = uses[...]
        return kept.compactMap { block in
            if block["type"]?.equals("tool_use") == true { return rest.popFirst()?.block }
            if let text = block["text"], AnthropicContent.isBlank(text) { return nil }
            return Array(block.raw)
        }
    }
}
