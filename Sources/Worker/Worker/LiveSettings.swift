import Core
import EventLoop
import Gateway
import State

/// Settings that change while the worker runs: from the configuration to their defaults, and back from their values.
@LoopActor
enum LiveSettings {
    /// What the configuration says, in the settings' own spelling.
    static func defaults(_ configuration: Configuration) -> [String: String] {
        let timeouts = configuration.timeouts
        var defaults: [String: String] = [
            "log_level": "\(configuration.logLevel.name)",
            "access_log": configuration.logsAccess ? "true" : "false",
            "retry_times": "\(configuration.retryTimes)",
            "commit_after": seconds(timeouts.commitAfter),
            "first_token_timeout": seconds(timeouts.firstToken),
            "stream_idle_timeout": seconds(timeouts.streamIdle),
            "keepalive_interval": seconds(timeouts.keepAlive),
            "client_stall_timeout": seconds(timeouts.clientStall),
            "request_timeout": seconds(timeouts.request),
            "stream_timeout": seconds(timeouts.stream),
        ]
        if let routes = configuration.modelRoutes { defaults["model_routes"] = routes }
        if let prices = configuration.prices { defaults["prices"] = String(decoding: prices, as: UTF8.self) }
        return defaults
    }

    /// The rules of all processes, and that routes name providers this worker has.
    static func checks(_ gateway: @escaping @LoopActor () -> Gateway?) -> [String: Settings.Check] {
        var checks = SettingRules.checks
        checks["model_routes"] = { text in
            do throws(ModelRoutes.Problem) {
                let routes = try ModelRoutes(text)
                try gateway()?.check(routes)
                return nil
            } catch {
                return error.message
            }
        }
        return checks
    }

    /// Hands the settings as they are now to everything that goes by them.
    static func apply(
        _ values: Settings.Values,
        over base: Configuration,
        to gateway: Gateway,
        _ ledger: Ledger,
        _ log: Log
    ) {
        let configuration = configuration(values, over: base)
        do {
            try gateway.apply(
                configuration,
                routes: ModelRoutes(configuration.modelRoutes ?? "{}"),
                prices: SettingRules.prices(values[.prices])
            )
        } catch {
            // Values are checked before they are applied; what passes there and fails here changes nothing.
            log(.error, "settings not applied", LogField("reason", "\(error)"))
            return
        }
        log.setLevel(configuration.logLevel)
        ledger.logLength = values[.logLength]
    }

    /// The configuration as the settings have it now.
    static func configuration(_ values: Settings.Values, over base: Configuration) -> Configuration {
        var result = base
        result.logLevel = LogLevel(name: values[.logLevel]) ?? base.logLevel
        result.logsAccess = values[.accessLog]
        result.retryTimes = values[.retryTimes]
        result.timeouts.commitAfter = values[.commitAfter]
        result.timeouts.firstToken = values[.firstTokenTimeout]
        result.timeouts.streamIdle = values[.streamIdleTimeout]
        result.timeouts.keepAlive = values[.keepAliveInterval]
        result.timeouts.clientStall = values[.clientStallTimeout]
        result.timeouts.request = values[.requestTimeout]
        result.timeouts.stream = values[.streamTimeout]
        result.modelRoutes = values[.modelRoutes]
        return result
    }

    private static func seconds(_ duration: Duration) -> String {
        let (whole, rest) = duration.components
        let milliseconds = rest / 1_000_000_000_000_000
        if milliseconds == 0 { return "\(whole)" }
        let digits = "\(milliseconds)"
        return "\(whole).\(String(repeating: "0", count: 3 - digits.count))\(digits)"
    }
}
