/// What a model's name tells of its abilities: all that the gateway believes about Gemini's generations, in one place.
///
/// A name without a version it knows is taken for the newest: those are strict where older ones only ignore.
struct GeminiModel {
    /// How a generation is told how much to think.
    enum Thinking {
        case none
        /// In tokens (2.5).
        case budget
        /// In words (3 and later).
        case level
    }

    /// Without `models/`, which the vendor itself puts before its names.
    let name: String
    /// Times a hundred: 2.5 is 250.
    private let generation: Int
    /// Others are open models served beside them (Gemma, LearnLM).
    private let isGemini: Bool

    init(_ model: String) {
        var name = model[...]
        if name.hasPrefix("gemini/") { name = name.dropFirst("gemini/".count) }
        if name.hasPrefix("models/") { name = name.dropFirst("models/".count) }
        self.name = String(name)
        isGemini = name.hasPrefix("gemini-")
        generation = Self.generation(name)
    }

    /// The name in a path, with all escaped that could lead elsewhere. A tuned model has a collection of its own.
    var path: String {
        let tuned = "tunedModels/"
        let isTuned = name.hasPrefix(tuned)
        var path = isTuned ? tuned : "models/"
        let digits = Array("0123456789ABCDEF")
        for byte in name.utf8.dropFirst(isTuned ? tuned.utf8.count : 0) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                path.append(Character(Unicode.Scalar(byte)))
            default:
                path += "%"
                path.append(digits[Int(byte >> 4)])
                path.append(digits[Int(byte & 15)])
            }
        }
        return path
    }

    /// Schemas as JSON Schema has them; 1.x takes a part of OpenAPI's only.
    var takesJSONSchema: Bool { generation >= 200 }
    /// JSON answers and functions in one request; earlier ones refuse that.
    var joinsToolsAndJSON: Bool { generation >= 300 }
    /// Calls have ids that results refer to; earlier ones count, and may refuse ids.
    var hasCallIDs: Bool { isGemini && generation >= 300 }
    /// Signed thoughts come with calls and are taken back.
    var hasSignatures: Bool { isGemini && generation >= 250 }
    /// A call without its signature is refused.
    var requiresSignatures: Bool { isGemini && generation >= 300 }
    /// Results of tools may hold images, and each image its own resolution.
    var takesMediaInResults: Bool { isGemini && generation >= 300 }

    var thinking: Thinking {
        if !isGemini || generation < 250 { return .none }
        return generation < 300 ? .budget : .level
    }

    /// The fewest tokens of thought: the Pro models of 2.5 cannot do without any.
    var leastBudget: Int { isPro ? 128 : 0 }

    var hasTwoLevels: Bool { isPro && generation == 300 }

    var isPro: Bool { name.split(separator: "-").contains("pro") }

    private static func generation(_ name: Substring) -> Int {
        // The name that 1.0 had before there were others.
        if name == "gemini-pro" || name == "gemini-pro-vision" { return 100 }
        for part in name.split(separator: "-") {
            let numbers = part.split(separator: ".", omittingEmptySubsequences: false)
            guard let major = numbers.first.flatMap({ Int($0) }), (1...9).contains(major), numbers.count <= 2 else {
                continue
            }
            guard numbers.count == 2 else { return major * 100 }
            if let minor = Int(numbers[1]), (0...9).contains(minor) { return major * 100 + minor * 10 }
        }
        return 999
    }
}
