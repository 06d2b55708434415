internal import Core
internal import JSON
internal import OpenAIAPI

/// The tools of a request, and whether they must be called: it knows functions only, and a model that thinks cannot be made
/// to call one.
struct DeepSeekTools {
    private(set) var edits: [JSONEdit] = []
    /// A call is demanded, and nobody has asked for thoughts: the vendor's habit of thinking gives way.
    private(set) var mustNotThink = false

    init(_ job: Job, isBeta: Bool) throws(GatewayError) {
        let root = job.request.document.root
        var allowed: [String]?
        if let value = root.present("tool_choice") {
            let choice = try ToolChoice(value)
            var demands = false
            switch choice {
            case .auto, .none: break
            case .required, .function: demands = true
            case .allowed(let names, let isRequired):
                // There is no word for some of the tools: it is offered no other.
                allowed = names
                demands = isRequired
                edits.append(.set("tool_choice", .literal(isRequired ? #""required""# : #""auto""#)))
            }
            if demands, DeepSeekThoughts.areExpected(root, model: job.model) {
                if DeepSeekThoughts.areDemanded(root) {
                    try job.refuse("tool_choice", "DeepSeek's models cannot be made to call a tool while they think.")
                    edits.append(.set("tool_choice", .literal(#""auto""#)))
                } else {
                    mustNotThink = true
                }
            }
        }
        if let tools = root.present("tools"), let offered = try Self.offered(tools, allowed, job, isBeta: isBeta) {
            edits.append(.set("tools", .bytes(offered)))
        }
    }

    /// The tools that it knows, or nil where all can stay as they are.
    private static func offered(
        _ tools: JSONValue,
        _ allowed: [String]?,
        _ job: Job,
        isBeta: Bool
    ) throws(GatewayError) -> [UInt8]? {
        var writer = JSONWriter()
        var isChanged = false
        writer.beginArray()
        for (place, tool) in tools.elements.enumerated() {
            guard tool["type"]?.equals("function") == true, let function = tool["function"] else {
                try job.refuse("tools[\(place)].type", "DeepSeek takes tools of type 'function' only.")
                isChanged = true
                continue
            }
            if let allowed, !allowed.contains(function["name"]?.string ?? "") {
                isChanged = true
            } else if !isBeta, function["strict"] != nil {
                // An error elsewhere; without it the schema is still what the model is shown.
                var plain = ByteBuffer()
                tool.append(to: &plain, editing: [.edit("function", [.remove("strict")])])
                writer.raw(.bytes(plain.take()))
                isChanged = true
            } else {
                writer.value(tool)
            }
        }
        writer.endArray()
        return isChanged ? writer.take() : nil
    }
}
