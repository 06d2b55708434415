-- Ends a cool-down before its time.
-- KEYS[5..6]: hash of the account, its cool-downs. ARGV[3]: account. ARGV[4]: its scope. ARGV[5]: the model, or ''.
-- Returns 1, or 0 when there is none.
local id = ARGV[3]
if redis.call('HDEL', KEYS[6], ARGV[4]) == 0 then
    return 0
end
if ARGV[5] ~= '' and readIndexes()[ARGV[5]] then
    redis.call('ZREM', prefix .. 'cooling:' .. ARGV[5], id)
end
redis.call('HSET', KEYS[5], 'streak', 0)
place(id)
announceAccount(id)
return 1
