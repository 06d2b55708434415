import Core
import EventLoop
import Glibc

/// The process: reads how it was called, makes the loop the executor of everything, and runs the service on it.
@main
enum Worker {
    static func main() {
        do throws(UsageError) {
            switch try Invocation(CommandLine.arguments, Environment.ofProcess) {
            case .help: StandardStreams.print(Invocation.usage)
            case .health(let address): exit(HealthProbe.ask(address) ? 0 : 1)
            case .serve(let address): try serve(address)
            }
        } catch {
            StandardStreams.complain("Worker: \(error.message)")
            exit(64)
        }
    }

    private static func serve(_ address: ListenAddress) throws(UsageError) {
        let configuration = try Configuration(Environment.ofProcess)
        SignalWatcher.ignoreBrokenPipes()
        Descriptors.raiseLimit()
        // Nothing asynchronous has run yet; from here on everything runs on the loop.
        LoopExecutorFactory.install()
        // The one task that owns the service; it ends the loop, and with it the process.
        Task { @LoopActor in
            let status = await Service.run(configuration, on: address)
            exit(status)
        }
        LoopExecutor.shared.run()
    }
}
