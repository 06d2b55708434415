-- Forgets an API key and tells all workers.
-- KEYS: the key's hash, the list of all keys. ARGV: digest, channel.
redis.call('ZREM', KEYS[2], ARGV[1])
local removed = redis.call('DEL', KEYS[1])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return removed
