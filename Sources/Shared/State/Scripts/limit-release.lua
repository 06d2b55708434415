-- Gives back everything a charge has reserved: it was not used.
-- ARGV: 1 id, 2 width of a sub-window in ms, 3 number of sub-windows. Returns 1 when the charge was open.
local id = ARGV[1]
local width, buckets = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREM', KEYS[3], id)
local record = redis.call('HGET', KEYS[2], id)
if not record then
    return 0
end
local tokens, at, letters = take(id, record)
if has(letters, 'r') or has(letters, 't') then
    local low = roll(math.floor(now / width), width, buckets).low
    if at >= low then
        if has(letters, 'r') then count('r', at, -1) end
        if has(letters, 't') then count('t', at, 0 - tokens) end
    end
end
return 1
