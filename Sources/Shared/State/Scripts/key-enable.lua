-- Enables or disables an API key and tells all workers.
-- KEYS: the key's hash. ARGV: digest, channel, '1' or '0'.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
redis.call('HSET', KEYS[1], 'enabled', ARGV[3])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return 1
