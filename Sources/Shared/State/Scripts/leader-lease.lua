-- Takes the lead when nobody has it, or keeps it.
-- KEYS: lease, token. ARGV: id, milliseconds the lease lasts.
-- Returns the token of this time of leading, or 0 and the milliseconds until it makes sense to ask again.
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then
    return { 0, redis.call('PTTL', KEYS[1]) }
end
local token = redis.call('GET', KEYS[2])
if owner and token then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return { tonumber(token), 0 }
end
-- Larger than every one before, even when Redis has lost its memory: the time in microseconds stands in for the count.
local time = redis.call('TIME')
local next = math.max((token or 0) + 1, time[1] * 1000000 + time[2])
redis.call('SET', KEYS[2], string.format('%.0f', next))
if not token then
    -- Redis has no memory, so somebody may trust a lease that was lost with it: nobody leads until that has ended.
    redis.call('SET', KEYS[1], '', 'PX', ARGV[2])
    return { 0, tonumber(ARGV[2]) }
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { next, 0 }
