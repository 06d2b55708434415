-- Lists the records of the engines that are registered, and forgets those whose heart has stopped.
-- KEYS: set of engines. ARGV: prefix of the records' names, how many are looked at at most.
local list = {}
for place, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if place > tonumber(ARGV[2]) then break end
    local record = redis.call('GET', ARGV[1] .. id)
    if record then
        list[#list + 1] = record
    else
        redis.call('SREM', KEYS[1], id)
    end
end
return list
