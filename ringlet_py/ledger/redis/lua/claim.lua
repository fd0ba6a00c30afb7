-- One claim: ARGV[1] is the wish as JSON, ARGV[2] is "claim" or "peek".
-- Answers {"windows", wall, names}, {"unlisted"}, {"refused", …} or {"taken", …}, with the sealed value last if it is wanted.

local KEPT_LEAST = 60000 -- for as long a lease id gets the same answer again
local KEPT_MOST = 86400000

local function refusal(t, ready, reason)
  keep_clock(t.now, t.wall)
  local wall = ready < NEVER and t.wall + ready - t.now or NEVER
  return {'refused', text(ready), text(wall), text(t.now), reason, t.members}
end

-- whether every token that the claim names is there, and has not expired
local function has_tokens(t)
  for _, bearer in ipairs(t.bearers) do
    local written = redis.call('HGET', key('tokens'), bearer[1])
    local expires = written and cjson.decode(written).expires_at or t.wall
    if expires > 0 and expires <= t.wall then return false end
  end
  return true
end

-- what a claim counts on besides its member: stream, rates, and the reason if these are used up; the first reason counts
local function shared_streams(t)
  local streams = {}
  for _, bearer in ipairs(t.bearers) do streams[#streams + 1] = {'token:' .. bearer[1], bearer[2], 'bearer'} end
  streams[#streams + 1] = {'quota:' .. t.caller, t.quota, 'quota'}
  streams[#streams + 1] = {'pool:' .. t.pool, t.pool_rates, 'pool'}
  return streams
end

-- when they all allow a use (0: now), and the first that does not
local function shared_ready(t)
  local ready, reason = 0, nil
  for _, stream in ipairs(shared_streams(t)) do
    local opens = latest_of(stream[2], stream[1], t)
    if opens > t.now and not reason then reason = stream[3] end
    ready = math.max(ready, opens)
  end
  return ready, reason
end

-- the member of `wait` that is ready first, once the moments before its own have been looked at
local function soonest_member(t)
  local waiting = turn_key(t, 'wait')
  while true do
    local first = redis.call('ZRANGE', waiting, 0, 0, 'WITHSCORES')
    if not first[1] then return NEVER + 1 end
    local member = member_at(t, first[1])
    local ready = ready_of(t, first[1], member)
    if ready == tonumber(first[2]) then return ready, first[1], member end
    redis.call('ZADD', waiting, text(ready), first[1])
  end
end

-- the same of a group that is held back as a whole: whoever in it must wait longer than it goes to `wait`
local function soonest_in_group(t, group)
  local free = free_key(t, group)
  while true do
    local element = redis.call('ZRANGE', free, 0, 0)[1]
    if not element then return NEVER + 1 end
    local address = address_of(t, element)
    local member = member_at(t, address)
    local is_there = member and member.group == group and member.expires > t.wall
    local ready, _, org = 0, '', 0
    if is_there then ready, _, org = ready_of(t, address, member) end
    if is_there and ready <= math.max(org, t.now) then return ready, address, member end
    redis.call('ZREM', free, element)
    if is_there then redis.call('ZADD', turn_key(t, 'wait'), text(ready), address) end
  end
end

local function soonest(t)
  local best, address, member = NEVER + 1
  for _, group in ipairs(redis.call('ZRANGE', turn_key(t, 'groups-wait'), 0, -1)) do
    local ready, other, found = soonest_in_group(t, group)
    if ready < best or ready == best and other and less(other, address) then
      best, address, member = ready, other, found
    end
  end
  local ready, other, found = soonest_member(t)
  if ready < best or ready == best and other and less(other, address) then
    return ready, other, found
  end
  return best, address, member
end

local function chosen(t)
  if t.only == '' then return pick(t) end
  if not redis.call('ZSCORE', turn_key(t, 'all'), t.only) then return end
  local member = member_at(t, t.only)
  if ready_of(t, t.only, member) <= t.now then return t.only, member end
end

local function waited_for(t)
  if t.only == '' then return soonest(t) end
  if not redis.call('ZSCORE', turn_key(t, 'all'), t.only) then return NEVER end
  local member = member_at(t, t.only)
  return ready_of(t, t.only, member), t.only, member
end

-- how many uses are kept, and for how long: as the stream's last use says too, for another turn may look further back
local function kept_of(list, rates)
  local uses, length = retention(rates)
  local before, ago = string.match(redis.call('LINDEX', list, 0) or '', '(%d+) (%d+)$')
  return math.max(uses, tonumber(before or '0')), math.max(length, tonumber(ago or '0'))
end

local function drop_old(list, uses, length, now)
  for _ = 1, 2 do -- two for each that comes: the list gets shorter whenever it can
    local oldest = redis.call('LINDEX', list, -1)
    if not oldest or use_of(oldest) >= now - length then return end
    redis.call('RPOP', list)
  end
end

-- counts one use; answers it as it is written, and whether it was added to the stream's total
local function count(t, stream, rates, serial)
  local list, whole = key('use', stream), select(3, retention(rates))
  local uses, length = kept_of(list, rates)
  local written = string.format('%.0f %.0f %.0f %.0f %.0f', t.now, t.wall, serial, uses, length)
  if uses > 0 then
    if redis.call('LPUSH', list, written) > uses then redis.call('LTRIM', list, 0, text(uses - 1)) end
    drop_old(list, uses, length, t.now)
    redis.call('PEXPIRE', list, text(length + KEPT_LEAST))
  end
  -- the callers are many, so the totals of their uses are kept only where they are asked for
  local totalled = whole or string.sub(stream, 1, 6) ~= 'quota:'
  if totalled then redis.call('HINCRBY', key('totals'), stream, 1) end
  return written, totalled
end

-- every stream that a claim of this member counts on
local function all_streams(t, address, member)
  local streams = streams_of(t, address, member)
  for _, stream in ipairs(shared_streams(t)) do streams[#streams + 1] = stream end
  return streams
end

local function least_left(t, streams)
  local least = -1
  for _, stream in ipairs(streams) do
    for _, rate in ipairs(stream[2]) do
      local left = left_of(rate, stream[1], t)
      if least < 0 or left < least then least = left end
    end
  end
  return least
end

-- takes a use of every stream; answers how long that can be taken back, and what was counted where
local function take(t, streams)
  local kept, taken = KEPT_LEAST, {}
  local serial = redis.call('INCR', key('serial'))
  for _, stream in ipairs(streams) do
    if #stream[2] > 0 then
      local _, length, whole = retention(stream[2])
      kept = math.max(kept, math.min(whole and KEPT_MOST or length, KEPT_MOST))
      local written, totalled = count(t, stream[1], stream[2], serial)
      taken[#taken + 1] = {stream[1], written, totalled and 1 or 0}
    end
  end
  return kept, taken
end

local function remember(t, address, member)
  local element = element_of(t, address, member)
  redis.call('HSET', turn_key(t), 'cursor', address)
  redis.call('HSET', turn_key(t, 'used'), address, text(t.now))
  redis.call('HINCRBY', turn_key(t, 'uses'), address, 1)
  if is_ranked(t) and redis.call('ZREM', free_key(t, member.group), element) == 1 then
    redis.call('ZADD', free_key(t, member.group), 0, element_of(t, address, member))
  end
  keep_clock(t.now, t.wall)
end

local function hand_out(t, address, member, ready)
  local streams = all_streams(t, address, member)
  local answer = {'taken', address, '-1', text(t.now), text(ready)}
  if t.peeking then
    local left = least_left(t, streams)
    answer[3] = text(left > 0 and ready <= t.now and left - 1 or left)
    return answer
  end
  local kept, taken = KEPT_LEAST, {}
  if ready <= t.now then kept, taken = take(t, streams) end
  remember(t, address, member)
  answer[3] = text(least_left(t, streams))
  local lease = {answer = answer, taken = taken, org = member.org}
  redis.call('SET', key('lease', t.lease), cjson.encode(lease), 'PX', text(kept))
  return answer
end

local function claim(t)
  if t.is_other then begin_anew(t) end
  if t.only ~= '' then t.members = redis.call('HEXISTS', turn_key(t, 'members'), t.only) end
  if t.members == 0 then return refusal(t, NEVER, 'none') end
  if not has_tokens(t) then return refusal(t, NEVER, 'token') end
  drop_expired(t)
  promote(t)
  local shared, reason = shared_ready(t)
  local address, member = chosen(t)
  local ready = t.now
  if not address then ready, address, member = waited_for(t) end
  if reason then return refusal(t, math.max(shared, math.min(ready, NEVER)), reason) end
  if ready <= t.now or t.soonest_ready and ready < NEVER then
    return hand_out(t, address, member, math.max(ready, t.now))
  end
  return refusal(t, math.min(ready, NEVER), 'members')
end

local function answer(wish)
  local t = opened_turn(wish)
  t.peeking = ARGV[2] == 'peek'
  local served = not t.peeking and t.lease ~= '' and redis.call('GET', key('lease', t.lease))
  if served then return cjson.decode(served).answer end
  local version = redis.call('GET', key('version')) or '0'
  if t.version == '' then t.version = version end
  if t.stamp ~= t.version or t.stamp ~= version then return {'unlisted'} end
  local lacking = missing(t.names, t.calendars, t.wall)
  if #lacking > 0 then return {'windows', text(t.wall), table.concat(lacking, ' ')} end
  return claim(t)
end

local wish = cjson.decode(ARGV[1])
local found = answer(wish)
if wish.with_value and found[1] == 'taken' then found[6] = redis.call('HGET', key('sealed'), found[2]) or '' end
return found
