-- Enters a worker for a while, and strikes off those that have been silent for too long.
-- KEYS: set of workers by the time they were last heard of, the worker's hash, its snapshot of metrics. ARGV: id,
-- milliseconds a worker lives after its last beat, snapshot or '', milliseconds the snapshot lives, then names and
-- values of the hash. Returns how many workers live.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], unpack(ARGV, 5))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
if ARGV[3] ~= '' then
    redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
