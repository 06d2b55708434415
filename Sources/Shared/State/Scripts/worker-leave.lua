-- Strikes a worker off.
-- KEYS: set of workers, the worker's hash, its snapshot of metrics. ARGV: id.
redis.call('ZREM', KEYS[1], ARGV[1])
return redis.call('DEL', KEYS[2], KEYS[3])
