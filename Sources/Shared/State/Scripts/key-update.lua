-- Changes fields of an API key and tells all workers.
-- KEYS: the key's hash. ARGV: 1 digest, 2 channel, 3 how many arguments after this are names and values to set; the
-- rest are names of fields to forget. Returns the hash, which is empty when there is no such key.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return {}
end
local last = 3 + tonumber(ARGV[3])
for place = 4, last, 2 do
    redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
end
for place = last + 1, #ARGV do
    redis.call('HDEL', KEYS[1], ARGV[place])
end
redis.call('PUBLISH', ARGV[2], ARGV[1])
return redis.call('HGETALL', KEYS[1])
