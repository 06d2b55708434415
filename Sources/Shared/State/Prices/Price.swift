/// What the tokens of one model cost, in trillionths of a US dollar a token: a millionth of a dollar per million tokens
/// is one such unit, so no price with up to six decimals is rounded.
struct Price: Equatable {
    var input: Int
    var cachedInput: Int
    var cacheWrite: Int
    var output: Int
    var reasoning: Int
}

/// An entry of the table: a price, and another one for long prompts where the vendor has it.
struct PriceEntry: Equatable {
    var price: Price
    /// A prompt of more than `above` tokens costs this, all of it.
    var long: (above: Int, price: Price)?

    static func == (left: PriceEntry, right: PriceEntry) -> Bool {
        left.price == right.price && left.long?.above == right.long?.above && left.long?.price == right.long?.price
    }

    func price(forPrompt tokens: Int) -> Price {
        guard let long, tokens > long.above else { return price }
        return long.price
    }
}
