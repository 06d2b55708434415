-- Notes that an account has a conversation, and says which of its conversations are too many.
-- KEYS: the account's conversations by time. ARGV: owner and id of the conversation, how many an account may have, seconds
-- after which the account's list is forgotten.
-- Returns those that must go, the oldest first.
redis.call('ZADD', KEYS[1], redis.call('TIME')[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', redis.call('TIME')[1] - ARGV[3])
local surplus = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[2])
if surplus <= 0 then
    return {}
end
local gone = {}
local popped = redis.call('ZPOPMIN', KEYS[1], math.min(surplus, 64))
for place = 1, #popped, 2 do
    gone[#gone + 1] = popped[place]
end
return gone
