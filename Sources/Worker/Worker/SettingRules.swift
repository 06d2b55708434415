import EventLoop
import Gateway
import State

/// What the process knows of the cluster's settings beyond their kinds.
enum SettingRules {
    /// The environment's values: a setting's variable has its name in capitals.
    static func defaults(_ environment: Environment) -> [String: String] {
        var defaults: [String: String] = [:]
        for definition in SettingDefinition.known {
            if let text = environment.text(definition.name.uppercased()) { defaults[definition.name] = text }
        }
        return defaults
    }

    /// Settings whose text must be more than JSON.
    static let checks: [String: Settings.Check] = [
        "model_routes": { text in
            do throws(ModelRoutes.Problem) {
                _ = try ModelRoutes(text)
                return nil
            } catch {
                return error.message
            }
        },
        "prices": { text in
            do throws(PricesError) {
                _ = try prices(text)
                return nil
            } catch {
                return error.message
            }
        },
    ]

    /// The table with what the setting says; the setting's default changes nothing.
    static func prices(_ text: String) throws(PricesError) -> Prices {
        try Prices(overriding: text == "{}" ? nil : Array(text.utf8))
    }
}
