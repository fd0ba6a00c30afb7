-- A turn: its members, which of them may be free, and when the others may be.
-- Indexes are kept lazily.  A member of `free` is looked at before it is handed out, and goes to `wait` if it is not
-- ready; a moment in `wait` is never too late, and is looked at before it is told.  So a cooldown or a use that is
-- counted elsewhere touches no index, and what makes a key ready earlier sets its moment in `wait` to 0.

local function turn_key(t, ...)
  return key('turn', t.id, ...)
end

local function member_at(t, address)
  local written = redis.call('HGET', turn_key(t, 'members'), address)
  return written and cjson.decode(written)
end

local function is_ranked(t)
  return t.policy == 'least-recently-limited' or t.policy == 'sticky'
end

-- cooldowns of a key or an org: until when, why, and the last 429; for the feature and for all
local function cooldown(subject, t)
  local parts = {'until', 'until:' .. t.feature, 'limited', 'limited:' .. t.feature}
  local found = redis.call('HMGET', key('rest', subject), unpack(parts))
  local resting, why = 0, ''
  for place = 1, 2 do
    local moment, reason = string.match(found[place] or '', '^(%d+) (.*)$')
    if moment and tonumber(moment) > math.max(resting, t.now) then resting, why = tonumber(moment), reason end
  end
  return resting, why, math.max(tonumber(found[3] or '0'), tonumber(found[4] or '0'))
end

-- what the uses of a member are counted on: stream, rates, and what it is called when it holds the member back
local function streams_of(t, address, member)
  local streams = {
    {'key:' .. address .. '|' .. t.feature, member.rates, 'rate'},
    {'own:' .. address, member.own, 'own'},
  }
  if member.org ~= '' then streams[3] = {'org:' .. member.org, t.org_rates, 'org'} end
  return streams
end

local function resting_of(t, address, member)
  local until_key, why = cooldown('key:' .. address, t)
  if member.org == '' then return until_key, why, 0 end
  local until_org, why_org = cooldown('org:' .. member.org, t)
  if until_org > until_key then return until_org, why_org, until_org end
  return until_key, why, until_org
end

-- when a member can be taken (0: now), what holds it back longest, and its org's part of that
local function ready_of(t, address, member)
  local ready, why, org = resting_of(t, address, member)
  for place, stream in ipairs(streams_of(t, address, member)) do
    local opens = latest_of(stream[2], stream[1], t)
    if opens > ready then ready, why = opens, stream[3] end
    if place == 3 then org = math.max(org, opens) end
  end
  return ready, why, org
end

local function limited_of(t, address, member)
  local _, _, own = cooldown('key:' .. address, t)
  if member.org == '' then return own end
  local _, _, shared = cooldown('org:' .. member.org, t)
  return math.max(own, shared)
end

local function used_of(t, address)
  return tonumber(redis.call('HGET', turn_key(t, 'used'), address) or '0')
end

-- how a member stands in the index of its group, which Redis keeps in the order of bytes
local function element_of(t, address, member)
  if not is_ranked(t) then return address end
  return string.format('%014.0f%014.0f', limited_of(t, address, member), used_of(t, address)) .. address
end

local function address_of(t, element)
  return is_ranked(t) and string.sub(element, 29) or element
end

local function free_key(t, group)
  return turn_key(t, 'free', group)
end

local function park(t, address, member, element, ready, org)
  if member.group ~= '' and org > t.now then
    redis.call('ZADD', turn_key(t, 'groups-wait'), text(org), member.group)
  else
    redis.call('ZREM', free_key(t, member.group), element)
    redis.call('ZADD', turn_key(t, 'wait'), text(ready), address)
  end
end

local function drop_expired(t)
  for _, address in ipairs(redis.call('ZRANGEBYSCORE', turn_key(t, 'expiry'), '-inf', text(t.wall))) do
    local member = member_at(t, address)
    redis.call('ZREM', turn_key(t, 'expiry'), address)
    redis.call('ZREM', turn_key(t, 'all'), address)
    redis.call('ZREM', turn_key(t, 'wait'), address)
    redis.call('ZREM', free_key(t, member.group), element_of(t, address, member))
    redis.call('HINCRBY', turn_key(t, 'sets'), member.set, -1)
  end
end

-- those whose moment has come may be free again
local function promote(t)
  local waiting, groups = turn_key(t, 'wait'), turn_key(t, 'groups-wait')
  for _, address in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', text(t.now))) do
    local member = member_at(t, address)
    if member then redis.call('ZADD', free_key(t, member.group), 0, element_of(t, address, member)) end
  end
  redis.call('ZREMRANGEBYSCORE', waiting, '-inf', text(t.now))
  redis.call('ZREMRANGEBYSCORE', groups, '-inf', text(t.now))
end

local function is_waiting(t, address)
  local moment = redis.call('ZSCORE', turn_key(t, 'wait'), address)
  return moment and tonumber(moment) > t.now
end

-- a key may be ready earlier than its turns believe
local function touch_key(address)
  for _, id in ipairs(redis.call('SMEMBERS', key('turns', address))) do
    redis.call('ZADD', key('turn', id, 'wait'), 'XX', 0, address)
  end
end

-- so may every key of an org
local function touch_org(org)
  for _, id in ipairs(redis.call('SMEMBERS', key('org-turns', org))) do
    redis.call('ZADD', key('turn', id, 'groups-wait'), 'XX', 0, org)
    local named = redis.call('ZRANGEBYLEX', key('turn', id, 'by-org'), '[' .. org .. '\n', '(' .. org .. '\v')
    for _, name in ipairs(named) do
      redis.call('ZADD', key('turn', id, 'wait'), 'XX', 0, string.sub(name, #org + 2))
    end
  end
end

-- for another policy, or other limits of the turn: every member is looked at anew
local function begin_anew(t)
  for _, group in ipairs(redis.call('SMEMBERS', turn_key(t, 'groups'))) do redis.call('DEL', free_key(t, group)) end
  redis.call('DEL', turn_key(t, 'groups-wait'))
  for _, address in ipairs(redis.call('ZRANGE', turn_key(t, 'all'), 0, -1)) do
    redis.call('ZADD', turn_key(t, 'wait'), 0, address)
  end
  redis.call('HSET', turn_key(t), 'rules', t.rules)
end

local function opened_turn(t)
  t.now, t.wall = clocks()
  local kept = redis.call('HMGET', turn_key(t), 'stamp', 'calendars', 'rules', 'cursor')
  t.stamp, t.names, t.cursor = kept[1], (kept[2] or '') .. ' ' .. t.names, kept[4] or ''
  t.is_other = kept[3] ~= t.rules
  t.members = redis.call('HLEN', turn_key(t, 'members'))
  return t
end
