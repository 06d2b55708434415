extension Settings {
    /// All settings at one moment.
    package struct Values: Sendable, Equatable {
        /// How often the cluster's settings had been changed.
        package var version = 0
        var values: [String: SettingValue] = [:]

        package subscript<Value>(key: SettingKey<Value>) -> Value {
            values[key.name].flatMap { key.read($0) } ?? key.fallback
        }
    }

    /// Where a value comes from.
    package enum Source: String, Sendable {
        case builtIn = "default"
        case environment
        case cluster
    }

    /// A setting as the administrator sees it.
    package struct Row: Sendable {
        package let name: String
        package let value: String
        /// What `remove` would return to.
        package let defaultValue: String
        package let source: Source
        package let kind: SettingKind
        package let description: String
    }

    /// A change somebody has made.
    package struct Change: Sendable, Equatable {
        /// Seconds since 1970.
        package let time: Int
        package let by: String
        package let name: String
        /// Nothing stands for the default. Long values are cut.
        package let old: String?
        package let new: String?
    }
}
