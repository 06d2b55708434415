-- Reads a session and lets it live on, unless it is too old altogether.
-- KEYS: the session's hash. ARGV: seconds it lives without use, seconds it lives at most.
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
    return fields
end
local started = tonumber(redis.call('HGET', KEYS[1], 'started'))
local left = started + tonumber(ARGV[2]) - tonumber(redis.call('TIME')[1])
if left <= 0 then
    redis.call('DEL', KEYS[1])
    return {}
end
redis.call('EXPIRE', KEYS[1], math.min(tonumber(ARGV[1]), left))
return fields
