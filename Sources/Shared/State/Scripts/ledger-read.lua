-- Reads the sums of several hours: for each hash its ids and their sums, one after the other.
-- KEYS: the hashes. ARGV: the ids wanted, all when there are none.
local hours = {}
for place, key in ipairs(KEYS) do
    if #ARGV == 0 then
        hours[place] = redis.call('HGETALL', key)
    else
        local sums = {}
        for _, id in ipairs(ARGV) do
            local text = redis.call('HGET', key, id)
            if text then
                sums[#sums + 1] = id
                sums[#sums + 1] = text
            end
        end
        hours[place] = sums
    end
end
return hours
