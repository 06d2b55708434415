-- Lists the workers that live: id, milliseconds since the last beat, hash, one after the other.
-- KEYS: set of workers. ARGV: milliseconds a worker lives after its last beat, prefix of the hashes' names.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local from = '(' .. string.format('%.0f', now - ARGV[1])
local found = redis.call('ZRANGE', KEYS[1], from, '+inf', 'BYSCORE', 'WITHSCORES')
local list = {}
for place = 1, #found, 2 do
    list[#list + 1] = found[place]
    list[#list + 1] = now - tonumber(found[place + 1])
    list[#list + 1] = redis.call('HGETALL', ARGV[2] .. found[place])
end
return list
