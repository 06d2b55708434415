-- Finds the conversation that a request goes on with, and takes the right to its next turn if nobody has it.
-- KEYS: the prefix of the owner's conversations, which is no key itself. ARGV: id or '', digest with the last answer or '',
-- digest without it or '', name of the hold, its lifetime in ms.
-- Returns nil; or id, account, provider, state, instructions, turns, '1' where these are the conversation's newest, '1'
-- where the hold was taken.
local prefix, id = KEYS[1], ARGV[1]
local record, place
local function read(name)
    local values = redis.call('HMGET', prefix .. name, 'account', 'provider', 'state', 'instructions', 'turns')
    if values[5] then
        return values
    end
end
-- A digest leads to the conversation as it was after the turn with that digest.
local function recognise(digest)
    if digest == '' then
        return nil
    end
    local values = redis.call('HMGET', prefix .. 'at:' .. digest, 'account', 'provider', 'state', 'instructions', 'turns', 'id')
    if values[6] and (id == '' or values[6] == id) then
        return values
    end
end
if id ~= '' then
    record = read(id)
    if not record then
        return nil
    end
    -- The client may have gone back to an earlier turn.
    place = recognise(ARGV[2]) or recognise(ARGV[3])
else
    place = recognise(ARGV[2]) or recognise(ARGV[3])
    if not place then
        return nil
    end
    id = place[6]
    record = read(id)
end
local isHead = not place or (record and record[5] == place[5] and record[3] == place[3])
local found = isHead and record or place
local held = isHead and redis.call('SET', prefix .. id .. ':hold', ARGV[4], 'NX', 'PX', ARGV[5])
return { id, found[1], found[2], found[3], found[4] or '', tonumber(found[5]), isHead and '1' or '0', held and '1' or '0' }
