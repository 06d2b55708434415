-- Lets a seed into the list of all seeds, if there is room.
-- KEYS: the list. ARGV: the seed's digest, how many there may be, seconds after which a seed that was not used is out.
-- Returns '1' where it is in the list now.
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return '0'
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return '1'
