/// What the families of models can and cannot do, by the beginning of their names.
struct MiniMaxModel {
    /// Takes forced calls, any temperature, a seed, and lets thinking be switched off.
    let isThird: Bool
    /// Answers to a schema by itself.
    let hasSchemas: Bool
    /// Thinks, and within its text unless it is asked to keep the two apart.
    let thinks: Bool

    init(_ name: String) {
        isThird = name.hasPrefix("MiniMax-M3")
        hasSchemas = name.hasPrefix("MiniMax-Text-01")
        thinks = name.hasPrefix("MiniMax-M")
    }
}
