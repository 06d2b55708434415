import Core
import EventLoop
import Providers

/// Streams of web applications.
extension StreamServing {
    /// Files that the answer names are to be had when the client asks for them.
    func keep(_ files: [NamedFile]) { gateway.keep(files, context) }

    /// Counts and writes down what the turn came to.
    func conclude(_ end: TurnEnd, then proceed: @escaping @LoopActor (TokenUsage, GatewayError?) -> Void) {
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                proceed(try await gateway.conclude(end, context), nil)
            } catch {
                proceed(TokenUsage(), error)
            }
        }
    }
}
