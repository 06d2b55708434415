-- Reads accounts. KEYS[5]: all accounts by serial number.
-- ARGV[3]: 'after', then a serial number and a count; or 'rank', then first and last place; or 'one', then an account.
-- Returns now, the name of the pool's memory, its version, the end of the egress' pause, its reason, then serial numbers
-- and accounts as text.
local state = redis.call('HMGET', pool, 'epoch', 'version', 'egress', 'egressClass')
local page = { now, state[1] or '', tonumber(state[2] or '0'), tonumber(state[3] or '0'), state[4] or '' }
local found
if ARGV[3] == 'after' then
    found = redis.call('ZRANGEBYSCORE', KEYS[5], '(' .. ARGV[4], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[5])
elseif ARGV[3] == 'rank' then
    found = redis.call('ZRANGE', KEYS[5], ARGV[4], ARGV[5], 'WITHSCORES')
else
    local serial = redis.call('ZSCORE', KEYS[5], ARGV[4])
    found = serial and { ARGV[4], serial } or {}
end
for position = 1, #found, 2 do
    page[#page + 1] = tonumber(found[position + 1])
    page[#page + 1] = cjson.encode(describe(found[position]))
end
return page
