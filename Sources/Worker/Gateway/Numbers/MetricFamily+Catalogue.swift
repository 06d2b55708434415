/// Every metric there is, in the order of the exposition. docs/operations.md explains them with their labels, and a test
/// holds the two against each other.
extension MetricFamily {
    // Requests
    static let requests = MetricFamily(
        "millrace_requests_total",
        .counter,
        "Requests that asked for a model, by who served them and class of status."
    )
    static let ends = MetricFamily("millrace_ends_total", .counter, "How requests ended.")
    static let unreadable = MetricFamily(
        "millrace_unreadable_requests_total",
        .counter,
        "Refused before they were requests."
    )
    static let openRequests = MetricFamily("millrace_open_requests", .gauge, "Requests under way, streams included.")
    static let openStreams = MetricFamily("millrace_open_streams", .gauge, "Streams under way.")
    static let openConnections = MetricFamily("millrace_open_connections", .gauge, "Connections of clients.")
    static let queue = MetricFamily(
        "millrace_queue_seconds",
        .histogram,
        "From the turn that took a request's last byte up to its handler."
    )
    static let firstByte = MetricFamily(
        "millrace_first_byte_seconds",
        .histogram,
        "From a request's last byte to the first byte of content."
    )
    static let whole = MetricFamily(
        "millrace_request_seconds",
        .histogram,
        "From a request's last byte to the end of its answer."
    )
    static let chunks = MetricFamily("millrace_chunks_total", .counter, "Events of streams relayed.")
    static let tokens = MetricFamily("millrace_tokens_total", .counter, "Tokens, as upstreams reported them.")
    static let cost = MetricFamily("millrace_cost_dollars_total", .counter, "What served requests cost.")

    // Upstreams
    static let retries = MetricFamily("millrace_retries_total", .counter, "Upstream calls beyond a request's first.")
    static let failures = MetricFamily(
        "millrace_upstream_failures_total",
        .counter,
        "Failed attempts, also those the client never learned of."
    )
    static let upstreamTransfers = MetricFamily(
        "millrace_upstream_open_transfers",
        .gauge,
        "Upstream calls under way."
    )
    static let upstreamConnections = MetricFamily(
        "millrace_upstream_open_connections",
        .gauge,
        "Connections to upstreams."
    )
    static let upstreamMade = MetricFamily(
        "millrace_upstream_connections_made_total",
        .counter,
        "Connections opened to upstreams."
    )
    static let upstreamReused = MetricFamily(
        "millrace_upstream_connections_reused_total",
        .counter,
        "Upstream calls over a connection that was there."
    )
    static let upstreamReceived = MetricFamily(
        "millrace_upstream_received_bytes_total",
        .counter,
        "Bytes of bodies taken from upstreams."
    )

    // Pools and limits
    static let accounts = MetricFamily("millrace_pool_accounts", .gauge, "Accounts of a pool by state, cluster-wide.")
    static let leases = MetricFamily("millrace_pool_leases_total", .counter, "Leases asked of a pool, by outcome.")
    static let openLeases = MetricFamily("millrace_pool_open_leases", .gauge, "Leases this worker holds.")
    static let coolDowns = MetricFamily(
        "millrace_pool_cooldowns_total",
        .counter,
        "Cool-downs this worker started, by class of failure."
    )
    static let refusals = MetricFamily(
        "millrace_limit_refusals_total",
        .counter,
        "Requests refused by a limit of their key."
    )

    // Redis
    static let redisUp = MetricFamily("millrace_redis_up", .gauge, "1 while connected and the breaker is closed.")
    static let redisCommands = MetricFamily("millrace_redis_commands_total", .counter, "Commands accepted.")
    static let redisErrors = MetricFamily("millrace_redis_errors_total", .counter, "Commands that failed, by how.")
    static let redisReconnects = MetricFamily(
        "millrace_redis_reconnects_total",
        .counter,
        "Connections made after the first."
    )
    static let redisLatency = MetricFamily(
        "millrace_redis_command_seconds",
        .histogram,
        "From command to answer, of answers that came in time."
    )

    // The worker itself
    static let loopLag = MetricFamily("millrace_loop_lag_seconds", .histogram, "How late a due timer fires.")
    static let loopLagPeak = MetricFamily(
        "millrace_loop_lag_peak_seconds",
        .gauge,
        "The longest lag of the last 30 to 60 seconds."
    )
    static let memory = MetricFamily("millrace_process_resident_memory_bytes", .gauge, "Memory in use.")
    static let processor = MetricFamily("millrace_process_cpu_seconds_total", .counter, "User and system time.")
    static let descriptors = MetricFamily("millrace_process_open_fds", .gauge, "Open file descriptors.")
    static let descriptorLimit = MetricFamily("millrace_process_max_fds", .gauge, "Most file descriptors allowed.")
    static let started = MetricFamily("millrace_process_start_time_seconds", .gauge, "Start, in seconds since 1970.")
    static let build = MetricFamily("millrace_build_info", .gauge, "Always 1; the version is a label.")

    static let all = [
        requests, ends, unreadable, openRequests, openStreams, openConnections, queue, firstByte, whole, chunks, tokens,
        cost, retries, failures, upstreamTransfers, upstreamConnections, upstreamMade, upstreamReused, upstreamReceived,
        accounts, leases, openLeases, coolDowns, refusals, redisUp, redisCommands, redisErrors, redisReconnects,
        redisLatency, loopLag, loopLagPeak, memory, processor, descriptors, descriptorLimit, started,
        build,
    ]
}
