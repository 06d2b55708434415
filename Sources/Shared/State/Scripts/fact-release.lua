-- Gives back the right to do something alone. KEYS: the claim. ARGV: who has it.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
