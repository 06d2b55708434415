-- Keeps what one upstream says it has. KEYS: hash. ARGV: provider, its list, seconds it is kept without being written.
-- Returns the new version; a list that says what it said before makes none.
local version = tonumber(redis.call('HGET', KEYS[1], ':version') or '0')
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    version = version + 1
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], ':version', version)
end
redis.call('EXPIRE', KEYS[1], ARGV[3])
return version
