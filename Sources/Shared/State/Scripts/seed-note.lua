-- Writes down what was learnt of a seed's conversation.
-- KEYS: the seed's conversations, the same by time. ARGV: the conversation's id, what changed as JSON, '1' where it may be a
-- new one, how many a seed may have, seconds to keep them.
-- Returns '1'; '0' where there is no such conversation.
local chats, order, id = KEYS[1], KEYS[2], ARGV[1]
local old = redis.call('HGET', chats, id)
if not old and ARGV[3] ~= '1' then
    return '0'
end
local now = tonumber(redis.call('TIME')[1])
local record = old and cjson.decode(old) or { created = now }
record.updated = now
for name, value in pairs(cjson.decode(ARGV[2])) do
    record[name] = value
end
redis.call('HSET', chats, id, cjson.encode(record))
redis.call('ZADD', order, now, id)
local surplus = redis.call('ZCARD', order) - tonumber(ARGV[4])
if surplus > 0 then
    local gone = redis.call('ZPOPMIN', order, math.min(surplus, 64))
    for place = 1, #gone, 2 do
        redis.call('HDEL', chats, gone[place])
    end
end
redis.call('EXPIRE', chats, ARGV[5])
redis.call('EXPIRE', order, ARGV[5])
return '1'
