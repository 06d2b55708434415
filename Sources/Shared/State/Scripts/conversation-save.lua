-- Writes down how far a conversation has come and ends the hold on it.
-- KEYS: the prefix of the owner's conversations, which is no key itself. ARGV: id, name of the hold or '', account,
-- provider, state, digest of the instructions, digests of the transcript with and without the answer, turns so far, seconds
-- to keep it.
-- Returns '1'; '0' where another turn has gone on from the same place meanwhile: then the conversation is left as that
-- one made it, and this turn can only be found by its transcript.
local prefix, id, turns, lifetime = KEYS[1], ARGV[1], tonumber(ARGV[9]), tonumber(ARGV[10])
local key = prefix .. id
local fields = { 'account', ARGV[3], 'provider', ARGV[4], 'state', ARGV[5], 'instructions', ARGV[6], 'turns', turns }
if ARGV[2] ~= '' and redis.call('GET', key .. ':hold') == ARGV[2] then
    redis.call('DEL', key .. ':hold')
end
local isNewest = tonumber(redis.call('HGET', key, 'turns') or '0') < turns
if isNewest then
    redis.call('HSET', key, unpack(fields))
    redis.call('HSETNX', key, 'created', redis.call('TIME')[1])
    redis.call('HSET', key, 'updated', redis.call('TIME')[1])
end
redis.call('EXPIRE', key, lifetime)
for place = 7, 8 do
    local at = prefix .. 'at:' .. ARGV[place]
    redis.call('DEL', at)
    redis.call('HSET', at, 'id', id, unpack(fields))
    redis.call('EXPIRE', at, lifetime)
end
return isNewest and '1' or '0'
