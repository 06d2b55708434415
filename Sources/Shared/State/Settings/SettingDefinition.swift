/// A setting the cluster knows: its name, what it may be and what it is for.
package struct SettingDefinition: Sendable {
    package let name: String
    package let kind: SettingKind
    package let description: String
    /// The value when neither the cluster nor the environment has one; must fit the kind.
    package let fallback: String

    package init(_ name: String, _ kind: SettingKind, _ fallback: String, _ description: String) {
        self.name = name
        self.kind = kind
        self.fallback = fallback
        self.description = description
    }

    private static let timeout = SettingKind.seconds(0.01...86_400)

    package static let known: [SettingDefinition] = [
        SettingDefinition(
            "log_level",
            .choice(["debug", "info", "warning", "error"]),
            "info",
            "The least important lines that workers log."
        ),
        SettingDefinition("access_log", .bool, "false", "Whether workers log a line for every request."),
        SettingDefinition("retry_times", .int(0...20), "3", "How often a request is tried again elsewhere."),
        SettingDefinition(
            "commit_after",
            .seconds(0.01...60),
            "2",
            "When the head of a stream goes out although nothing worth sending has come yet."
        ),
        SettingDefinition("first_token_timeout", timeout, "60", "How long an upstream has for its first content."),
        SettingDefinition("stream_idle_timeout", timeout, "120", "How long an upstream may pause in a stream."),
        SettingDefinition(
            "keepalive_interval",
            .seconds(0.1...3_600),
            "15",
            "After how much silence a stream's client gets a keep-alive."
        ),
        SettingDefinition(
            "client_stall_timeout",
            timeout,
            "30",
            "After how long a client that does not read is dropped."
        ),
        SettingDefinition("request_timeout", timeout, "600", "How long a plain request may take."),
        SettingDefinition("stream_timeout", timeout, "3600", "How long a stream may take."),
        SettingDefinition(
            "model_routes",
            .json(limit: 256 << 10),
            "{}",
            "Public names of models and their candidates, as MODEL_ROUTES has them."
        ),
        SettingDefinition("prices", .json(limit: 256 << 10), "{}", "Prices of models that override the built-in ones."),
        SettingDefinition("log_length", .int(100...10_000_000), "100000", "How many rows the request log keeps."),
    ]
}
