-- Asks whether a log-in may be tried, and counts it as failed until it is known not to be: tries that run at the same
-- time cannot pass the limit together.
-- KEYS: the failures of the address, those of the user name; sorted sets of tries by their time in milliseconds.
-- ARGV: id of the try, milliseconds a failure counts, shortest and longest delay in milliseconds, failures an address
-- has without delay, failures a name has.
-- Answers 0 when the try may be made, else the milliseconds to wait.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, shortest, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local wait = 0
for place = 1, 2 do
    redis.call('ZREMRANGEBYSCORE', KEYS[place], '-inf', now - window)
    local beyond = redis.call('ZCARD', KEYS[place]) - tonumber(ARGV[4 + place])
    if beyond >= 0 then
        local last = redis.call('ZRANGE', KEYS[place], -1, -1, 'WITHSCORES')
        -- Each failure beyond the limit doubles the delay.
        local delay = math.min(longest, shortest * 2 ^ math.min(beyond, 30))
        wait = math.max(wait, tonumber(last[2]) + delay - now)
    end
end
if wait > 0 then
    return math.ceil(wait)
end
for place = 1, 2 do
    redis.call('ZADD', KEYS[place], now, ARGV[1])
    redis.call('PEXPIRE', KEYS[place], window)
end
return 0
