-- Stores a new API key, unless there is one already, and lists it by its time of creation.
-- KEYS: the key's hash, the list of all keys. ARGV: digest, time of creation, channel, then names and values.
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 0
end
for place = 4, #ARGV, 2 do
    redis.call('HSET', KEYS[1], ARGV[place], ARGV[place + 1])
end
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
-- Workers may remember that this key does not exist.
redis.call('PUBLISH', ARGV[3], ARGV[1])
return 1
