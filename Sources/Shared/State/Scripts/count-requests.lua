-- Adds a batch of request counts to the hash of its hour, once: a worker that got no answer sends the same batch again.
-- KEYS: the hash, the number of this worker's last batch. ARGV: batch number, seconds to keep the hash, seconds to keep
-- the number, then fields and amounts.
if tonumber(ARGV[1]) <= tonumber(redis.call('GET', KEYS[2]) or '0') then
    return 0
end
for place = 4, #ARGV, 2 do
    redis.call('HINCRBY', KEYS[1], ARGV[place], ARGV[place + 1])
end
redis.call('EXPIRE', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[3])
return 1
