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
            case .command(let command):
                runOnLoop { await CommandRunner.run(command, Environment.ofProcess) }
            case .serve(let address):
                let configuration = try Configuration(Environment.ofProcess)
                Descriptors.raiseLimit()
                NameLookup.askAgainSoon()
                runOnLoop { await Service.run(configuration, on: address) }
            }
        } catch {
            StandardStreams.complain("Worker: \(error.message)")
            exit(64)
        }
    }

    /// Runs the loop until `body` returns the exit status.
    private static func runOnLoop(_ body: @escaping @LoopActor () async -> Int32) {
        SignalWatcher.ignoreBrokenPipes()
        // Nothing asynchronous has run yet; from here on everything runs on the loop.
        LoopExecutorFactory.install()
        // The one task that owns everything else; it ends the process.
        Task { @LoopActor in exit(await body()) }
        LoopExecutor.shared.run()
    }
}
