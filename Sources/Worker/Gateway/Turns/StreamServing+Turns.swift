import Core
import EventLoop
import HTTPCodec
import Providers

/// Streams of web applications.
extension StreamServing {
    /// Files that the answer names are to be had when the client asks for them.
    func keep(_ files: [NamedFile]) { gateway.keep(files, context) }

    /// A further call of the turn, made ready to leave.
    func prepare(
        _ request: OutgoingRequest,
        then proceed: @escaping @LoopActor (Result<OutgoingRequest, GatewayError>) -> Void
    ) {
        guard let plan = context.plan, let turn = plan.turn, let desk = plan.desk,
            let provider = context.candidate?.provider.web
        else { return proceed(.success(request)) }
        // Ends with the last of the provider's calls, all of which have deadlines.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                proceed(.success(try await provider.prepare(request, turn, at: desk)))
            } catch {
                proceed(.failure(error))
            }
        }
    }

    /// Counts and writes down what the turn came to.
    func conclude(_ end: TurnEnd, then proceed: @escaping @LoopActor (TokenUsage, GatewayError?) -> Void) {
        let request = request
        // Ends with the answer of Redis, which has a deadline.
        Task.immediate { @LoopActor in
            do throws(GatewayError) {
                if context.plan == nil { return proceed(await gateway.count(end, request, context), nil) }
                proceed(try await gateway.conclude(end, context), nil)
            } catch {
                proceed(TokenUsage(), error)
            }
        }
    }
}
