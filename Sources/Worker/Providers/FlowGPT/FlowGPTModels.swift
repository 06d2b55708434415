internal import Core
internal import JSON

/// Which prompt a model's name means: the prompt is what decides how it answers.
struct FlowGPTModels: Sendable {
    /// The names that the service's clients have known, with their prompts.
    private static let known = [
        "default": "uzNcMUGo4sOwl4GFvRpm8",
        "gpt-4-free": "uzNcMUGo4sOwl4GFvRpm8",
        "chatgpt-5-pro": "vlaOLDN9qTxzIlvzfL_Ty",
        "aisuperior": "lKm5yPE9x-Naf0_0_KI5M",
    ]
    /// Names that some documentation has, without a prompt of their own: whatever the service lists under them, else the
    /// default.
    private static let loose: Set<String> = ["claude-instant"]
    /// The beginning of a name that is a prompt's id.
    static let directMark = "flowgpt:"

    let prompts: [String: String]
    private let refusesUnknown: Bool

    init(_ settings: ProviderSettings) throws(ProviderProblem) {
        var prompts = Self.known
        let name = settings.text("FLOWGPT_MODEL_MAP") == nil ? "MODEL_MAP" : "FLOWGPT_MODEL_MAP"
        if let text = settings.text(name) {
            guard let map = (try? JSONDocument(parsing: Array(text.utf8)))?.root, map.isObject else {
                throw ProviderProblem("\(name) must be a JSON object of names and prompt ids")
            }
            for (key, value) in map.members {
                guard let alias = key.string, !alias.isEmpty, let prompt = value.string, FlowGPTName.isValid(prompt)
                else { throw ProviderProblem("\(name) must be a JSON object of names and prompt ids") }
                prompts[alias] = prompt
            }
        }
        if let id = settings.text("DEFAULT_MODEL_ID") {
            guard FlowGPTName.isValid(id) else { throw ProviderProblem("DEFAULT_MODEL_ID must be a prompt's id") }
            prompts["default"] = id
        }
        self.prompts = prompts
        switch settings.text("FLOWGPT_UNKNOWN_MODEL") {
        case nil, "default"?: refusesUnknown = false
        case "error"?: refusesUnknown = true
        default: throw ProviderProblem("FLOWGPT_UNKNOWN_MODEL must be default or error")
        }
    }

    /// Names that are served without being listed by the service.
    var names: [String] { (Array(prompts.keys) + Self.loose).sorted() }

    /// The prompt of `model`: an alias, a prompt's id, or anything else for the default.
    func prompt(of model: String) throws(GatewayError) -> String {
        if model.hasPrefix(Self.directMark) {
            let id = model.dropFirst(Self.directMark.count)
            guard FlowGPTName.isValid(id) else { throw Self.unknown(model) }
            return String(id)
        }
        if let prompt = prompts[model] { return prompt }
        if Self.isPromptID(model) { return model }
        guard let usual = prompts["default"], !refusesUnknown || Self.loose.contains(model) else {
            throw Self.unknown(model)
        }
        return usual
    }

    /// Ids have 21 letters of an alphabet of 64, so that nearly all have a capital one, which models' names have not.
    private static func isPromptID(_ name: String) -> Bool {
        name.utf8.count == 21 && FlowGPTName.isValid(name)
            && name.utf8.contains { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
    }

    private static func unknown(_ model: String) -> GatewayError {
        GatewayError(
            .modelNotFound,
            "FlowGPT has no model '\(model.prefix(100))'; a prompt can be named as flowgpt:<id>.",
            source: .client,
            retry: .elsewhere,
            parameter: "model"
        )
    }
}
