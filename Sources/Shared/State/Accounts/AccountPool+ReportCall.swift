internal import Core
internal import Redis

/// How a report is put to Redis.
extension AccountPool {
    func reportKeys(_ lease: Lease, _ outcome: Outcome) -> [RedisArgument] {
        let id = lease.accountID
        let own = [keys.account(id), keys.cooldowns(id), keys.leases(id), keys.reported(lease.id)]
        guard case .failure(let reason, _, let request, let digest, _) = outcome,
            let consequence = options.consequences[reason]
        else { return keys.keys() + own }
        let scope = consequence.scope
        return keys.keys() + own + [keys.blame(request: request, scope), keys.blame(digest: digest, scope)]
    }

    func reportArguments(_ lease: Lease, _ outcome: Outcome) -> [RedisArgument] {
        var arguments = keys.arguments(
            .text(lease.accountID),
            .text(lease.id),
            .text(lease.model),
            .integer(lease.granted)
        )
        switch outcome {
        case .success: arguments.append("success")
        case .abandoned: arguments.append("released")
        case .failure(let reason, let retryAfter, let request, let digest, let evidence):
            guard let consequence = options.consequences[reason] else {
                arguments.append("released")
                break
            }
            arguments += [
                "failure", .text(reason.rawValue), .text(consequence.scope.rawValue),
                .integer(Int(consequence.first.milliseconds)), .text(consequence.growth.description),
                .integer(Int(consequence.longest.milliseconds)),
                .integer(consequence.fixedSpan(retryAfter: retryAfter) ?? 0), .integer(consequence.threshold),
                consequence.disablesWhenConfirmed ? "1" : "0", .text(request), .text(digest), .text(evidence),
                .integer(Int(options.requestBlameTime.milliseconds)),
                .integer(Int(options.bodyBlameTime.milliseconds)),
                .integer(Int(options.confirmationTime.milliseconds)),
                .integer(Int(options.reportTime.milliseconds) * 2), .integer(Int(options.memory.milliseconds)),
            ]
        }
        return arguments
    }
}
