-- Reads the snapshots of metrics of the workers that live: id and snapshot, one after the other.
-- KEYS: set of workers. ARGV: milliseconds a worker lives after its last beat, prefix and end of the snapshots' names.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('ZRANGE', KEYS[1], '(' .. string.format('%.0f', now - ARGV[1]), '+inf', 'BYSCORE')
local list = {}
for _, id in ipairs(found) do
    local snapshot = redis.call('GET', ARGV[2] .. id .. ARGV[3])
    if snapshot then
        list[#list + 1] = id
        list[#list + 1] = snapshot
    end
end
return list
