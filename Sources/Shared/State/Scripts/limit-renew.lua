-- Renews the leases of open charges.
-- ARGV: 1 lease in ms, then ids. Returns the places, from 1, of those that are not open.
local missing = {}
for place = 2, #ARGV do
    if redis.call('ZSCORE', KEYS[3], ARGV[place]) then
        redis.call('ZADD', KEYS[3], now + tonumber(ARGV[1]), ARGV[place])
    else
        missing[#missing + 1] = place - 1
    end
end
redis.call('EXPIRE', KEYS[2], MEMORY)
redis.call('EXPIRE', KEYS[3], MEMORY)
return missing
