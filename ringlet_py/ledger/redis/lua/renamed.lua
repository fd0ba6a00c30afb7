-- Moves what was counted of the address ARGV[1] to ARGV[2], together with what is there already.

local OLD, NEW = ARGV[1], ARGV[2]

local function moment_in(written)
  return tonumber(string.match(written or '0', '^%d+'))
end

local function move_rests()
  local from, to = key('rest', 'key:' .. OLD), key('rest', 'key:' .. NEW)
  for _, name in ipairs(redis.call('HKEYS', from)) do
    local written = redis.call('HGET', from, name)
    if moment_in(written) > moment_in(redis.call('HGET', to, name)) then redis.call('HSET', to, name, written) end
  end
  redis.call('DEL', from)
  redis.call('ZREM', key('resting'), 'key:' .. OLD)
  local every = redis.call('HGET', to, 'until')
  if every then redis.call('ZADD', key('resting'), text(moment_in(every)), 'key:' .. NEW) end
end

-- the uses of both lists, the newest first
local function put_together(from, to)
  local kept = math.max(redis.call('PTTL', from), redis.call('PTTL', to))
  local older, newer = redis.call('LRANGE', from, 0, -1), redis.call('LRANGE', to, 0, -1)
  redis.call('DEL', from, to)
  local one, other = 1, 1
  while older[one] or newer[other] do
    if not newer[other] or older[one] and use_of(older[one]) >= use_of(newer[other]) then
      redis.call('RPUSH', to, older[one])
      one = one + 1
    else
      redis.call('RPUSH', to, newer[other])
      other = other + 1
    end
  end
  redis.call('PEXPIRE', to, text(kept))
end

local function move_uses(stream, moved)
  local from, to = key('use', stream), key('use', moved)
  if redis.call('EXISTS', from) == 1 then
    if redis.call('EXISTS', to) == 1 then put_together(from, to) else redis.call('RENAME', from, to) end
  end
  redis.call('HINCRBY', key('totals'), moved, redis.call('HGET', key('totals'), stream))
  redis.call('HDEL', key('totals'), stream)
end

local function move_streams()
  local own, of_features = 'own:' .. OLD, 'key:' .. OLD .. '|'
  -- every use of a key's streams is in the totals too, so these name them all
  for _, stream in ipairs(redis.call('HKEYS', key('totals'))) do
    if stream == own then move_uses(stream, 'own:' .. NEW) end
    if string.sub(stream, 1, #of_features) == of_features then
      move_uses(stream, 'key:' .. NEW .. string.sub(stream, #of_features))
    end
  end
end

if OLD ~= NEW then
  move_rests()
  move_streams()
  touch_key(OLD)
end
