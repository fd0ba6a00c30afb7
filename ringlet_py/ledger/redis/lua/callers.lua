-- Tokens and leases: ARGV[1] is the verb; a token or a lease comes as JSON, and is kept as it came.
-- A change names what it replaces, which must still be there, byte for byte.

local TOKENS, NAMES, DIGESTS = key('tokens'), key('token-names'), key('token-digests')
local LEASES, OVER = key('leases'), key('leases-over')
local AT_ONCE = 1000 -- leases that are forgotten in one go, so that others are not kept waiting

local VERBS = {}

function VERBS.add_token(written)
  local token = cjson.decode(written)
  if redis.call('HEXISTS', TOKENS, token.id) == 1 then return 0 end
  if redis.call('HEXISTS', NAMES, token.name) == 1 then return 0 end
  if redis.call('HEXISTS', DIGESTS, token.digest) == 1 then return 0 end
  if token.parent ~= '' then
    if redis.call('HEXISTS', TOKENS, token.parent) == 0 then return 0 end
    redis.call('SADD', key('tokens-under', token.parent), token.id)
  end
  redis.call('HSET', NAMES, token.name, token.id)
  redis.call('HSET', DIGESTS, token.digest, token.id)
  redis.call('HSET', TOKENS, token.id, written)
  return 1
end

-- at most so many; none if the last of these still has one above it
function VERBS.chain(digest, most)
  local id, found = redis.call('HGET', DIGESTS, digest), {}
  while id and id ~= '' and #found < tonumber(most) do
    local written = redis.call('HGET', TOKENS, id)
    found[#found + 1] = written or nil
    id = written and cjson.decode(written).parent
  end
  return id == '' and found or {}
end

local function is_taken(index, text, id)
  local owner = redis.call('HGET', index, text)
  return owner and owner ~= id
end

function VERBS.change_token(old, new)
  local before, after = cjson.decode(old), cjson.decode(new)
  if redis.call('HGET', TOKENS, before.id) ~= old then return 0 end
  if is_taken(NAMES, after.name, before.id) or is_taken(DIGESTS, after.digest, before.id) then return 0 end
  redis.call('HDEL', NAMES, before.name)
  redis.call('HDEL', DIGESTS, before.digest)
  redis.call('HSET', NAMES, after.name, before.id)
  redis.call('HSET', DIGESTS, after.digest, before.id)
  redis.call('HSET', TOKENS, before.id, new)
  return 1
end

local function drop_token(id)
  local token = cjson.decode(redis.call('HGET', TOKENS, id))
  redis.call('HDEL', TOKENS, id)
  redis.call('HDEL', NAMES, token.name)
  redis.call('HDEL', DIGESTS, token.digest)
  redis.call('SREM', key('tokens-under', token.parent), id)
  redis.call('HDEL', key('totals'), 'token:' .. id)
  redis.call('DEL', key('tokens-under', id), key('use', 'token:' .. id))
end

function VERBS.remove_token(id)
  if redis.call('HEXISTS', TOKENS, id) == 0 then return {} end
  local gone, place = {id}, 1
  while gone[place] do
    for _, below in ipairs(redis.call('SMEMBERS', key('tokens-under', gone[place]))) do gone[#gone + 1] = below end
    place = place + 1
  end
  for _, each in ipairs(gone) do drop_token(each) end
  return gone
end

-- `over` is the moment at which it is, "" for never
local function keep_lease(id, written, over)
  redis.call('HSET', LEASES, id, written)
  if over == '' then return redis.call('ZREM', OVER, id) end
  redis.call('ZADD', OVER, over, id)
end

function VERBS.add_lease(id, written, over)
  if redis.call('HEXISTS', LEASES, id) == 0 then keep_lease(id, written, over) end
end

function VERBS.change_lease(id, old, written, over)
  if redis.call('HGET', LEASES, id) ~= old then return 0 end
  keep_lease(id, written, over)
  return 1
end

function VERBS.forget_leases(before)
  local over = redis.call('ZRANGEBYSCORE', OVER, '-inf', '(' .. before, 'LIMIT', 0, AT_ONCE)
  if #over == 0 then return 0 end
  redis.call('ZREM', OVER, unpack(over))
  return redis.call('HDEL', LEASES, unpack(over))
end

return VERBS[ARGV[1]](unpack(ARGV, 2))
