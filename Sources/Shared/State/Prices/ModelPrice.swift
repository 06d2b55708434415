package import Core

/// The price of one model.
package struct ModelPrice: Sendable {
    let entry: PriceEntry

    /// What the use costs, in billionths of a US dollar, rounded to the nearest.
    package func cost(of usage: TokenUsage) -> Int {
        let prompt = max(0, usage.prompt)
        let price = entry.price(forPrompt: prompt)
        let cached = min(max(0, usage.cached), prompt)
        let written = min(max(0, usage.cacheWrite), prompt - cached)
        let completion = max(0, usage.completion)
        let reasoning = min(max(0, usage.reasoning), completion)
        var sum = Sum()
        sum.add(prompt - cached - written, price.input)
        sum.add(cached, price.cachedInput)
        sum.add(written, price.cacheWrite)
        sum.add(completion - reasoning, price.output)
        sum.add(reasoning, price.reasoning)
        return sum.rounded
    }

    /// Upstreams name the numbers of tokens; absurd ones cost the most there is.
    private struct Sum {
        private var value = 0
        private var isTooMuch = false

        mutating func add(_ tokens: Int, _ price: Int) {
            let (product, isTooLarge) = tokens.multipliedReportingOverflow(by: price)
            let (total, isTooMuch) = value.addingReportingOverflow(product)
            self.isTooMuch = self.isTooMuch || isTooLarge || isTooMuch
            value = total
        }

        var rounded: Int { isTooMuch ? Int.max / 1_000 : value / 1_000 + (value % 1_000 >= 500 ? 1 : 0) }
    }
}
