-- Reads what is used and reserved of everything that can be limited.
-- ARGV: 1 width of a sub-window in ms, 2 number of sub-windows. Returns requests, tokens, open charges, streams among
-- them, reserved money, reserved tokens, then names and values of what the budgets have spent.
local width, buckets = tonumber(ARGV[1]), tonumber(ARGV[2])
local bucket = math.floor(now / width)
collect(bucket, width, buckets)
local window = roll(bucket, width, buckets)
local streams = 0
for _, record in ipairs(redis.call('HVALS', KEYS[2])) do
    if has(record, 's') then
        streams = streams + 1
    end
end
local held = redis.call('HMGET', KEYS[2], '+money', '+tokens')
local answer = {
    window.r, window.t, redis.call('ZCARD', KEYS[3]), streams, tonumber(held[1] or 0), tonumber(held[2] or 0),
}
for name, value in pairs(spending()) do
    answer[#answer + 1] = name
    answer[#answer + 1] = value
end
return answer
