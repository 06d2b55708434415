-- Forgets a stored account for good.
-- KEYS[5..8]: hash of the account, its cool-downs, its leases, all accounts by serial number. ARGV[3]: account.
-- Returns 1, 0 when there is no such account, -1 when it comes from an environment.
local id = ARGV[3]
local origin = redis.call('HGET', KEYS[5], 'origin')
if not origin then
    return 0
end
if origin ~= 'stored' then
    return -1
end
withdraw(id)
redis.call('ZREM', away, id)
for model in pairs(readIndexes()) do
    redis.call('ZREM', prefix .. 'cooling:' .. model, id)
end
redis.call('DEL', KEYS[5], KEYS[6], KEYS[7])
redis.call('ZREM', KEYS[8], id)
announce({ gone = id })
return 1
