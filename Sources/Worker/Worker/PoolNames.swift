/// The providers whose accounts are pooled: what `Worker accounts` knows by name.
enum PoolNames {
    static let all = ["openai", "deepseek"]
}
