package import Core

extension AccountPool {
    package struct Options: Sendable {
        package enum Use: Sendable {
            /// Each lease is one script in Redis: exact. For accounts whose concurrency must be.
            case scripted
            /// Leases are decided in the worker, from what it has heard of. For pools of API keys.
            case mirrored
        }

        package var use = Use.mirrored
        /// How many leases an account may have at once where nobody has said so for it; no number means any.
        package var usualConcurrency: Int?
        /// How long a lease holds unless it is renewed; the pool renews its own three times in that span.
        package var leaseTime = Duration.seconds(60)
        /// A lease nobody has reported for so long is not renewed any more.
        package var longestLease = Duration.seconds(6 * 3600)
        package var consequences = Consequence.table
        /// How long it is known which account a request has penalised, and which one a body has.
        package var requestBlameTime = Duration.seconds(600)
        package var bodyBlameTime = Duration.seconds(120)
        /// How long a failure waits for another request that confirms it.
        package var confirmationTime = Duration.seconds(3600)
        /// How long a cool-down is at least remembered after its end.
        package var memory = Duration.seconds(600)
        /// How often workers say which accounts their environment has, and how long that holds.
        package var heartbeat = Duration.seconds(30)
        package var registrationTime = Duration.seconds(90)
        /// How long an account that no environment has any more is remembered.
        package var retention = Duration.seconds(7 * 86_400)
        /// Reports that do not get through are sent again, for so long and so many.
        package var reportTime = Duration.seconds(300)
        package var reportLimit = 10_000
        package var retryInterval = Duration.milliseconds(250)
        /// Accounts read at once when the mirror is filled: more of them would hold Redis up for others.
        package var pageSize = 200

        package init() {}
    }

    /// What this worker has done, for metrics.
    package struct Statistics: Sendable {
        package internal(set) var leasesGranted = 0
        package internal(set) var leasesRefused = 0
        /// Of the granted ones, those heard of too late and given back at once.
        package internal(set) var leasesLate = 0
        /// Leases not reported yet.
        package internal(set) var inFlight = 0
        /// Cool-downs this worker's reports have started.
        package internal(set) var cooldownsStarted: [FailureClass: Int] = [:]
        package internal(set) var accountsDisabled = 0
        package internal(set) var reportsLost = 0
        package internal(set) var mirrorReads = 0
    }
}
