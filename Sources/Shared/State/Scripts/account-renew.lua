-- Moves the expiry of leases that still hold; those that have expired are lost, since others may hold the place by now.
-- KEYS: leases of an account, once for each lease. ARGV: lifetime in ms, then the leases.
-- Returns how many hold.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lifetime, held = tonumber(ARGV[1]), 0
for position, leases in ipairs(KEYS) do
    local expiry = redis.call('ZSCORE', leases, ARGV[position + 1])
    if expiry and tonumber(expiry) > now then
        redis.call('ZADD', leases, now + lifetime, ARGV[position + 1])
        redis.call('PEXPIRE', leases, lifetime * 2)
        held = held + 1
    end
end
return held
