package import Testing

/// Waits until `condition` holds; records an issue when it still does not after `limit`.
///
/// For conditions that other processes bring about and that cannot be awaited: nothing waits longer than it must.
@discardableResult
package func eventually(
    within limit: Duration = .seconds(30),
    _ expectation: Comment,
    sourceLocation: SourceLocation = #_sourceLocation,
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: limit)
    while true {
        if try await condition() { return true }
        guard clock.now < deadline else {
            Issue.record(expectation, sourceLocation: sourceLocation)
            return false
        }
        try? await Task.sleep(for: .milliseconds(1))
    }
}
