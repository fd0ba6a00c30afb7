-- Makes the members of a turn these: ARGV[1] is the turn as JSON, then come address and record, again and again.
-- A member whose record is the same keeps its place; the others are looked at anew by the next claim.

local t = cjson.decode(ARGV[1])
t.now, t.wall = clocks()
local MEMBERS, ALL, SETS = turn_key(t, 'members'), turn_key(t, 'all'), turn_key(t, 'sets')

local function leave_sets(member)
  if redis.call('HINCRBY', SETS, member.set, -1) <= 0 then redis.call('HDEL', SETS, member.set) end
end

local function take_out(address, member)
  if redis.call('ZREM', ALL, address) == 1 then leave_sets(member) end
  for _, index in ipairs({'wait', 'expiry'}) do redis.call('ZREM', turn_key(t, index), address) end
  if member.org ~= '' then redis.call('ZREM', turn_key(t, 'by-org'), member.org .. '\n' .. address) end
  redis.call('HDEL', turn_key(t, 'weights'), address)
end

local function drop(address, member)
  take_out(address, member)
  redis.call('HDEL', MEMBERS, address)
  redis.call('HDEL', turn_key(t, 'used'), address)
  redis.call('HDEL', turn_key(t, 'uses'), address)
  redis.call('SREM', key('turns', address), t.id)
end

local function put_in(address, member)
  redis.call('SADD', key('turns', address), t.id)
  redis.call('SADD', turn_key(t, 'groups'), member.group)
  if member.org ~= '' then
    redis.call('HSET', key('orgs'), address, member.org)
    redis.call('SADD', key('org-turns', member.org), t.id)
    redis.call('ZADD', turn_key(t, 'by-org'), 0, member.org .. '\n' .. address)
  else
    redis.call('HDEL', key('orgs'), address)
  end
  if member.expires <= t.wall then return end
  redis.call('ZADD', ALL, 0, address)
  redis.call('ZADD', turn_key(t, 'expiry'), text(member.expires), address)
  redis.call('ZADD', turn_key(t, 'wait'), 0, address)
  redis.call('HINCRBY', SETS, member.set, 1)
  if member.weight ~= '1' then redis.call('HSET', turn_key(t, 'weights'), address, member.weight) end
end

local function set_member(address, record, old)
  if old == record then return end
  if old then take_out(address, cjson.decode(old)) end
  redis.call('HSET', MEMBERS, address, record)
  put_in(address, cjson.decode(record))
end

local function enlist()
  local before, written = {}, redis.call('HGETALL', MEMBERS)
  for place = 1, #written, 2 do before[written[place]] = written[place + 1] end
  for place = 2, #ARGV, 2 do
    set_member(ARGV[place], ARGV[place + 1], before[ARGV[place]])
    before[ARGV[place]] = nil
  end
  for address, record in pairs(before) do drop(address, cjson.decode(record)) end
  if redis.call('HGET', turn_key(t), 'rules') ~= t.rules then begin_anew(t) end
  keep_clock(t.now, t.wall)
  redis.call('SADD', key('pool-turns', t.pool), t.id)
  redis.call('HSET', turn_key(t), 'calendars', t.names, 'stamp', t.version)
end

enlist()
