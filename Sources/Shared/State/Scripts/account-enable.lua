-- Enables or disables an account.
-- KEYS[5]: hash of the account. ARGV[3]: account. ARGV[4]: '1' or '0'. ARGV[5]: reason for disabling it.
-- Returns 1, or 0 when there is no such account.
local account = KEYS[5]
if redis.call('EXISTS', account) == 0 then
    return 0
end
redis.call('HSET', account, 'enabled', ARGV[4])
if ARGV[4] == '1' then
    redis.call('HDEL', account, 'reason', 'reasonRequest', 'seen:credentials_refused')
else
    redis.call('HSET', account, 'reason', ARGV[5])
end
place(ARGV[3])
announceAccount(ARGV[3])
return 1
