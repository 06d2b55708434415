-- Replaces the sealed credential of an account, unless it has become another one meanwhile.
-- KEYS[5]: hash of the account. ARGV[3]: account. ARGV[4]: sealed text as it was. ARGV[5]: as it shall be.
if redis.call('HGET', KEYS[5], 'credential') ~= ARGV[4] then
    return 0
end
redis.call('HSET', KEYS[5], 'credential', ARGV[5])
announceAccount(ARGV[3])
return 1
