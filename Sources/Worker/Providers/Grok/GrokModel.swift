internal import JSON

/// A model as the application's two wires name it.
struct GrokModel: Sendable, Equatable {
    /// `modelName` and `modelMode` of the older wire.
    var name: String
    var mode: String
    /// `modeId` of the newer one.
    var modeID: String
    /// Whether it is asked to think harder.
    var thinks: Bool

    init(_ name: String, _ mode: String, _ modeID: String, thinks: Bool = false) {
        self.name = name
        self.mode = mode
        self.modeID = modeID
        self.thinks = thinks
    }
}

/// The models by their public ids. The application renames its own every few months, so the operator can say what they are.
struct GrokModels: Sendable {
    private static let known: [(id: String, model: GrokModel)] = [
        ("grok-3", GrokModel("grok-3", "MODEL_MODE_GROK_3", "fast")),
        ("grok-3-mini", GrokModel("grok-3", "MODEL_MODE_GROK_3_MINI_THINKING", "expert", thinks: true)),
        ("grok-4.2", GrokModel("grok-420", "MODEL_MODE_GROK_420", "auto")),
        ("grok-4.2-fast", GrokModel("grok-420", "MODEL_MODE_FAST", "fast")),
        ("grok-expert", GrokModel("grok-420", "MODEL_MODE_EXPERT", "expert", thinks: true)),
        (
            "grok-4.1-thinking",
            GrokModel("grok-4-1-thinking-1129", "MODEL_MODE_GROK_4_1_THINKING", "expert", thinks: true)
        ),
    ]

    /// Other names for them, some of which the application has had for them itself.
    private static let aliases: [String: String] = [
        "grok-420": "grok-4.2", "grok-4-1-thinking-1129": "grok-4.1-thinking",
    ]

    /// Names of earlier days that clients still ask for; not listed.
    private static let former: [String: GrokModel] = [
        "grok-3-thinking": GrokModel("grok-3", "MODEL_MODE_GROK_3_THINKING", "expert", thinks: true),
        "grok-4": GrokModel("grok-4", "MODEL_MODE_GROK_4", "auto"),
        "grok-4-mini": GrokModel("grok-4-mini", "MODEL_MODE_GROK_4_MINI_THINKING", "expert", thinks: true),
        "grok-4-thinking": GrokModel("grok-4", "MODEL_MODE_GROK_4_THINKING", "expert", thinks: true),
        "grok-4-heavy": GrokModel("grok-4", "MODEL_MODE_HEAVY", "heavy"),
        "grok-4.1-mini": GrokModel("grok-4-1-mini", "MODEL_MODE_GROK_4_1_MINI_THINKING", "expert", thinks: true),
        "grok-4.1-fast": GrokModel("grok-4-1", "MODEL_MODE_FAST", "fast"),
        "grok-4.1-expert": GrokModel("grok-4-1", "MODEL_MODE_EXPERT", "expert", thinks: true),
    ]

    /// Public ids, in order.
    let ids: [String]
    private let models: [String: GrokModel]

    /// `text` is the operator's JSON, `{"id": {"modelName", "modelMode", "modeId", "thinking"}}`: its models come beside ours
    /// or in their place, what it leaves out is as it was.
    init(_ text: String?) throws(ProviderProblem) {
        var ids = Self.known.map(\.id)
        var models = Dictionary(uniqueKeysWithValues: Self.known.map { ($0.id, $0.model) })
        if let text {
            guard let document = try? JSONDocument(parsing: Array(text.utf8)), document.root.isObject else {
                throw ProviderProblem("GROK_MODELS must be a JSON object from ids to models")
            }
            for (key, value) in document.root.members {
                guard let id = key.string, !id.isEmpty, value.isObject else {
                    throw ProviderProblem("GROK_MODELS: each id must have an object")
                }
                var model = models[id] ?? Self.former[id] ?? Self.passed(id)
                if let name = value["modelName"]?.string { model.name = name }
                if let mode = value["modelMode"]?.string { model.mode = mode }
                if let modeID = value["modeId"]?.string { model.modeID = modeID }
                model.thinks = value["thinking"]?.bool ?? Self.thinks(model.mode)
                if models.updateValue(model, forKey: id) == nil { ids.append(id) }
            }
        }
        self.ids = ids
        self.models = models
    }

    /// What is not known is passed on, and the application chooses how it is run.
    subscript(id: String) -> GrokModel {
        models[id] ?? Self.aliases[id].flatMap { models[$0] } ?? Self.former[id] ?? Self.passed(id)
    }

    /// What an account's allowance is asked by, each once.
    func allowances(_ wire: GrokWire) -> [String] {
        var names: [String] = []
        for model in ids.map({ self[$0] }) {
            let name = model.allowance(wire)
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private static func passed(_ id: String) -> GrokModel { GrokModel(id, "MODEL_MODE_AUTO", "auto") }

    private static func thinks(_ mode: String) -> Bool { mode.contains("THINKING") || mode.contains("EXPERT") }
}

extension GrokModel {
    /// What its allowance is asked by.
    func allowance(_ wire: GrokWire) -> String { wire == .modelMode ? name : modeID }
}
