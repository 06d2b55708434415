import Core
import EventLoop
import Providers
import State

/// Gets what a provider needs beside the request before it can translate it. Most requests need nothing, and never come
/// here.
@LoopActor
final class MaterialGatherer {
    /// Nothing where strangers' addresses may not be fetched at all.
    private let fetcher: AddressFetcher?
    private let reasoning: ReasoningStore?

    init(fetcher: AddressFetcher?, reasoning: ReasoningStore?) {
        self.fetcher = fetcher
        self.reasoning = reasoning
    }

    /// What `needs` asks for beyond what is there.
    func missing(_ needs: Needs, in materials: Materials) -> Needs {
        var missing = needs
        missing.addresses.removeAll { materials.files[$0.url] != nil }
        missing.calls.removeAll { materials.kept[$0] != nil }
        if reasoning == nil { missing.calls = [] }
        return missing
    }

    /// Adds to what is there. An address that cannot be fetched fails the request; reasoning that is not kept is left out.
    func gather(
        _ needs: Needs,
        owner: String,
        beside present: Materials
    ) async throws(GatewayError) -> Materials {
        var materials = present
        if let last = needs.addresses.last {
            guard let fetcher else { throw .invalid(last.parameter, "Addresses cannot be fetched here.") }
            guard needs.addresses.count <= fetcher.limits.files else {
                throw .invalid(
                    last.parameter,
                    "At most \(fetcher.limits.files) addresses can be fetched for one request."
                )
            }
        }
        if let reasoning, !needs.calls.isEmpty {
            let states = await reasoning.states(of: needs.calls, owner: owner)
            materials.kept.merge(states) { _, new in new }
        }
        for address in needs.addresses where materials.files[address.url] == nil {
            materials.files[address.url] = try await fetcher?.fetch(address)
        }
        return materials
    }

    /// Keeps what a provider wants to find again with the next turn; done when this returns, so that a client which hears of a
    /// call afterwards cannot come back before.
    func keep(_ states: [KeptState], owner: String) async {
        for state in states { await reasoning?.keep(state.state, of: state.call, owner: owner) }
    }
}
