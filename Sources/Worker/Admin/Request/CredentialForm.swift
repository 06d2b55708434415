/// In which form a pool keeps its credentials.
package struct CredentialForm: Sendable {
    /// Puts what somebody has into it; nothing for what is no credential of this pool.
    package var reads: @Sendable (String) -> String?
    /// Whether commas are part of credentials, and do not separate them.
    package var hasCommas: Bool

    package init(hasCommas: Bool = false, reads: @escaping @Sendable (String) -> String? = { $0 }) {
        self.reads = reads
        self.hasCommas = hasCommas
    }
}
