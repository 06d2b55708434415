import Core
import EventLoop
import Gateway
import Glibc
import HTTPCodec
import HTTPServer
import Providers
import Redis
import Upstream

/// Puts the parts of a worker together, runs them until a signal asks it to go, and lets what is under way finish.
@LoopActor
enum Service {
    /// Returns the exit status.
    static func run(_ configuration: Configuration, on address: ListenAddress) async -> Int32 {
        let log = StandardStreams.log(level: configuration.logLevel)
        let upstream = makeUpstream(configuration)
        do {
            let state = try ClusterState(configuration, log: log)
            state?.start()
            let gateway = try Gateway(
                GatewayParts(
                    configuration: configuration,
                    providers: makeProviders(configuration),
                    routes: try configuration.modelRoutes.map { try ModelRoutes($0) } ?? ModelRoutes(),
                    upstream: upstream,
                    keyRing: state?.keyRing,
                    counters: state?.counters,
                    isStateReachable: { state?.redis.isReady ?? true },
                    log: log
                )
            )
            var options = ServerOptions()
            options.limits.bodyBytes = configuration.maxBodyBytes
            let server = HTTPServer(options: options, handler: gateway)
            gateway.metrics.observe(server)
            if let redis = state?.redis { gateway.metrics.observe(redis) }
            let bound = try server.listen(on: address)
            log(.info, "listening", LogField("address", bound.description), LogField("pid", Int(getpid())))
            if needsTLS(configuration) { upstream.warmUp() }
            await termination()
            log(.info, "draining", LogField("connections", server.openConnections))
            gateway.beginDraining()
            await drain(server, gateway, configuration.timeouts.drain)
            await state?.close()
            upstream.close()
            log(.info, "stopped")
            return 0
        } catch let problem as ModelRoutes.Problem {
            log(.error, "cannot start", LogField("reason", problem.message))
            return 64
        } catch let problem as UsageError {
            log(.error, "cannot start", LogField("reason", problem.message))
            return 64
        } catch let error as LoopError {
            log(
                .error,
                "cannot listen",
                LogField("address", address.description),
                LogField("reason", error.reason)
            )
            return 69
        } catch {
            log(.error, "cannot start", LogField("reason", "\(error)"))
            return 70
        }
    }

    private static func makeProviders(_ configuration: Configuration) -> [any Provider] {
        [
            OpenAIProvider(keys: configuration.openAI.keys, baseURL: configuration.openAI.baseURL),
            DeepSeekProvider(
                keys: configuration.deepSeek.keys,
                streamURL: configuration.deepSeek.streamURL,
                plainURL: configuration.deepSeek.plainURL
            ),
            EchoProvider(now: { time(nil) }),
        ]
    }

    private static func makeUpstream(_ configuration: Configuration) -> UpstreamClient {
        var options = UpstreamOptions()
        options.connectTimeout = configuration.timeouts.connect
        options.proxyURL = configuration.proxyURL
        options.caFile = configuration.caFile
        options.allowsHTTP2 = configuration.allowsHTTP2
        return UpstreamClient(options: options)
    }

    /// Whether any upstream with an account is reached by TLS.
    private static func needsTLS(_ configuration: Configuration) -> Bool {
        let openAI = configuration.openAI.keys.isEmpty ? [] : [configuration.openAI.baseURL]
        let deepSeek = configuration.deepSeek.keys.isEmpty ? [] : [configuration.deepSeek.streamURL]
        return (openAI + deepSeek).contains { $0.hasPrefix("https://") }
    }

    /// Waits for SIGTERM or SIGINT.
    private static func termination() async {
        var watchers: [SignalWatcher] = []
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            var waiting: CheckedContinuation<Void, Never>? = continuation
            let proceed: @LoopActor () -> Void = { waiting.take()?.resume() }
            watchers = [SignalWatcher(.terminate, proceed), SignalWatcher(.interrupt, proceed)]
        }
        // A second signal must not end the process in the middle of a stream: the watchers stay for its rest.
        remaining = watchers
    }

    private static var remaining: [SignalWatcher] = []

    private static func drain(_ server: HTTPServer, _ gateway: Gateway, _ patience: Duration) async {
        let limit = LoopTimer {
            gateway.cutShort()
            server.close()
        }
        limit.schedule(after: patience)
        await server.drain()
        limit.close()
        await gateway.settled()
    }
}
