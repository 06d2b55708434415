/// The name of a setting together with the type of its value.
package struct SettingKey<Value: Sendable>: Sendable {
    package let name: String
    let read: @Sendable (SettingValue) -> Value?
    /// What is used when the registry does not know the setting, which only a registry made by hand can bring about.
    let fallback: Value
}

extension SettingKey where Value == Int {
    package init(_ name: String, or fallback: Int) {
        self.init(name: name, read: { if case .int(let value) = $0 { value } else { nil } }, fallback: fallback)
    }

    package static let retryTimes = SettingKey("retry_times", or: 3)
    package static let logLength = SettingKey("log_length", or: 100_000)
}

extension SettingKey where Value == Duration {
    package init(_ name: String, or fallback: Duration) {
        self.init(name: name, read: { if case .seconds(let value) = $0 { value } else { nil } }, fallback: fallback)
    }

    package static let commitAfter = SettingKey("commit_after", or: .seconds(2))
    package static let firstTokenTimeout = SettingKey("first_token_timeout", or: .seconds(60))
    package static let streamIdleTimeout = SettingKey("stream_idle_timeout", or: .seconds(120))
    package static let keepAliveInterval = SettingKey("keepalive_interval", or: .seconds(15))
    package static let clientStallTimeout = SettingKey("client_stall_timeout", or: .seconds(30))
    package static let requestTimeout = SettingKey("request_timeout", or: .seconds(600))
    package static let streamTimeout = SettingKey("stream_timeout", or: .seconds(3_600))
}

extension SettingKey where Value == Bool {
    package init(_ name: String, or fallback: Bool) {
        self.init(name: name, read: { if case .bool(let value) = $0 { value } else { nil } }, fallback: fallback)
    }

    package static let accessLog = SettingKey("access_log", or: false)
}

extension SettingKey where Value == String {
    package init(_ name: String, or fallback: String) {
        self.init(name: name, read: { if case .text(let value) = $0 { value } else { nil } }, fallback: fallback)
    }

    package static let logLevel = SettingKey("log_level", or: "info")
    package static let modelRoutes = SettingKey("model_routes", or: "{}")
    package static let prices = SettingKey("prices", or: "{}")
}
