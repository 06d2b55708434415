internal import Redis

extension StateScripts {
    static let workerBeat = RedisScript("worker-beat", source: PackageResources.worker_beat_lua)
    static let workerLeave = RedisScript("worker-leave", source: PackageResources.worker_leave_lua)
    static let workerList = RedisScript("worker-list", source: PackageResources.worker_list_lua)
    static let workerSnapshots = RedisScript("worker-snapshots", source: PackageResources.worker_snapshots_lua)
    static let leaderLease = RedisScript("leader-lease", source: PackageResources.leader_lease_lua)
    static let leaderResign = RedisScript("leader-resign", source: PackageResources.leader_resign_lua)
    static let leaderJob = RedisScript("leader-job", source: PackageResources.leader_job_lua)
}
