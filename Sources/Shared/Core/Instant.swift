/// A moment on the machine's monotonic clock, in nanoseconds. Time enters pure code as a value of this type, so tests
/// move it by hand.
@usableFromInline
package struct Instant: Sendable, Comparable, Hashable {
    @usableFromInline package var nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    @inlinable package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    package static let distantFuture = Instant(nanoseconds: .max)

    @inlinable package func advanced(by span: Duration) -> Instant {
        Instant(nanoseconds: nanoseconds &+ UInt64(max(0, span.nanoseconds)))
    }

    @inlinable package func advanced(nanoseconds span: UInt64) -> Instant {
        Instant(nanoseconds: nanoseconds &+ span)
    }

    @inlinable package func milliseconds(since earlier: Instant) -> Double {
        Double(Int64(bitPattern: nanoseconds &- earlier.nanoseconds)) / 1_000_000
    }
}

extension Duration {
    @usableFromInline package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    package var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
