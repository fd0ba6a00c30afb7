-- Changes sealed values and their data keys: ARGV[1] is the verb; each answers whether it did what was asked.
-- A value is kept under its address as JSON, [key id, …].
-- The data keys are a list of JSON, [id, …], the current one last.

local VALUES, KEYS_OF, COUNTS = key('sealed'), key('sealed-keys'), key('sealed-counts')

local function current()
  local written = redis.call('LINDEX', KEYS_OF, -1)
  return written and cjson.decode(written)[1]
end

local function count(written, change)
  if not written then return end
  local id = cjson.decode(written)[1]
  if redis.call('HINCRBY', COUNTS, id, change) <= 0 then redis.call('HDEL', COUNTS, id) end
end

local function store(address, written)
  if cjson.decode(written)[1] ~= current() then return 0 end
  count(redis.call('HGET', VALUES, address), -1)
  count(written, 1)
  redis.call('HSET', VALUES, address, written)
  return 1
end

local VERBS = {}

function VERBS.put(address, written)
  return store(address, written)
end

function VERBS.swap(address, before, written)
  if redis.call('HGET', VALUES, address) ~= before then return 0 end
  return store(address, written)
end

function VERBS.remove(address)
  count(redis.call('HGET', VALUES, address), -1)
  return redis.call('HDEL', VALUES, address)
end

function VERBS.add_key(written, after)
  local last = redis.call('LINDEX', KEYS_OF, -1)
  local may = after ~= '' and last == after or after == '' and not last and redis.call('HLEN', VALUES) == 0
  if not may then return 0 end
  redis.call('RPUSH', KEYS_OF, written)
  return 1
end

function VERBS.rewrap(...)
  local changes = {...}
  local there = redis.call('LRANGE', KEYS_OF, 0, -1)
  if #there * 2 ~= #changes then return 0 end
  for place, written in ipairs(there) do
    if written ~= changes[place * 2 - 1] then return 0 end
  end
  for place = 1, #there do redis.call('LSET', KEYS_OF, place - 1, changes[place * 2]) end
  return 1
end

function VERBS.drop_key(id)
  if id == current() or redis.call('HEXISTS', COUNTS, id) == 1 then return 0 end
  for _, written in ipairs(redis.call('LRANGE', KEYS_OF, 0, -1)) do
    if cjson.decode(written)[1] == id then return redis.call('LREM', KEYS_OF, 1, written) end
  end
  return 0
end

return VERBS[ARGV[1]](unpack(ARGV, 2))
