-- Which member next: the orders of ringlet_py/pool.py, as far as the first that is ready.
-- What the index of a group cannot tell is looked for among all members that have not expired, in address order.

local MODULUS = 2147483647 -- 2^31 - 1
local MULTIPLIER = 48271

local function draws(seed)
  local state = 1 + tonumber(string.sub(redis.sha1hex(seed), 1, 8), 16) % (MODULUS - 1)
  return function()
    state = state * MULTIPLIER % MODULUS
    return state
  end
end

local function head(t, group)
  local free = free_key(t, group)
  if t.policy == 'round-robin' and t.cursor ~= '' then
    local after = redis.call('ZRANGEBYLEX', free, '(' .. t.cursor, '+', 'LIMIT', 0, 1)[1]
    if after then return after, true end
  end
  return redis.call('ZRANGE', free, 0, 0)[1], false
end

-- the first of all groups that are not held back as a whole
local function first_free(t)
  local held, best, best_group, best_after = {}, nil, nil, nil
  for _, group in ipairs(redis.call('ZRANGE', turn_key(t, 'groups-wait'), 0, -1)) do held[group] = true end
  for _, group in ipairs(redis.call('SMEMBERS', turn_key(t, 'groups'))) do
    local element, after
    if not held[group] then element, after = head(t, group) end
    local sooner = element and best and (after == best_after and less(element, best) or after and not best_after)
    if element and (not best or sooner) then best, best_group, best_after = element, group, after end
  end
  return best, best_group
end

local function by_index(t)
  while true do
    local element, group = first_free(t)
    if not element then return end
    local address = address_of(t, element)
    local member = member_at(t, address)
    if not member or member.group ~= group or member.expires <= t.wall then
      redis.call('ZREM', free_key(t, group), element)
    elseif element_of(t, address, member) ~= element then
      redis.call('ZREM', free_key(t, group), element)
      redis.call('ZADD', free_key(t, group), 0, element_of(t, address, member))
    else
      local ready, _, org = ready_of(t, address, member)
      if ready <= t.now then return address, member end
      park(t, address, member, element, ready, org)
    end
  end
end

-- the member if it can be taken; else it is put aside until it can
local function if_ready(t, address)
  if is_waiting(t, address) then return end
  local member = member_at(t, address)
  local ready, _, org = ready_of(t, address, member)
  if ready <= t.now then return member end
  park(t, address, member, element_of(t, address, member), ready, org)
end

local function first_ready(t, addresses)
  for _, address in ipairs(addresses) do
    local member = if_ready(t, address)
    if member then return address, member end
  end
end

local function everyone(t)
  return redis.call('ZRANGE', turn_key(t, 'all'), 0, -1)
end

-- sorts places by what rank() gives, a list of numbers, and then by place, which is address order
local function sorted(addresses, rank)
  local ranks, places = {}, {}
  for place, address in ipairs(addresses) do
    ranks[place], places[place] = rank(address, place), place
  end
  table.sort(places, function(one, other)
    for part = 1, #ranks[one] do
      if ranks[one][part] ~= ranks[other][part] then return ranks[one][part] < ranks[other][part] end
    end
    return one < other
  end)
  local order = {}
  for rank_place, place in ipairs(places) do order[rank_place] = addresses[place] end
  return order
end

local function random(t)
  local all, draw = turn_key(t, 'all'), draws(t.seed)
  local size, moved = redis.call('ZCARD', all), {}
  for place = 0, size - 1 do
    local other = place < size - 1 and place + draw() % (size - place) or place
    local rank = moved[other] or other
    moved[other] = moved[place] or place
    local address = redis.call('ZRANGE', all, rank, rank)[1]
    local member = if_ready(t, address)
    if member then return address, member end
  end
end

local function weighted(t)
  local draw, weights, written = draws(t.seed), {}, redis.call('HGETALL', turn_key(t, 'weights'))
  for place = 1, #written, 2 do weights[written[place]] = tonumber(written[place + 1]) end
  return first_ready(t, sorted(everyone(t), function(address)
    return {-math.log(draw() / MODULUS) / (weights[address] or 1)}
  end))
end

local function soonest_expiring(t)
  local expiry, last = turn_key(t, 'expiry'), '-inf'
  local several = redis.call('HLEN', turn_key(t, 'sets')) > 1
  while true do
    local score = redis.call('ZRANGEBYSCORE', expiry, last, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
    if not score then return end
    score = text(tonumber(score))
    local together = redis.call('ZRANGEBYSCORE', expiry, score, score)
    if #together > 1 and several then
      together = sorted(together, function(each)
        if is_waiting(t, each) then return {0} end
        return {tonumber(redis.call('HGET', turn_key(t, 'sets'), member_at(t, each).set))}
      end)
    end
    local address, member = first_ready(t, together)
    if address then return address, member end
    last = '(' .. score
  end
end

local function part_left(t, address)
  local member, part = member_at(t, address), 1
  for _, stream in ipairs(streams_of(t, address, member)) do
    for _, rate in ipairs(stream[2]) do part = math.min(part, left_of(rate, stream[1], t) / rate[1]) end
  end
  return part
end

local function most_remaining(t)
  return first_ready(t, sorted(everyone(t), function(address)
    if is_waiting(t, address) then return {1, 0} end -- it is passed over wherever it stands
    return {-part_left(t, address), used_of(t, address)}
  end))
end

-- an org's own name, from provider and quoted name
local function plain(org)
  return (string.gsub(string.match(org, '|(.*)$'), '%%(%x%x)', function(digits)
    return string.char(tonumber(digits, 16))
  end))
end

local function sticky(t)
  if t.session == '' then return by_index(t) end
  local orgs, scores, names = {}, {}, {}
  for _, name in ipairs(redis.call('ZRANGE', turn_key(t, 'by-org'), 0, -1)) do
    local org, address = string.match(name, '^(.-)\n(.*)$')
    orgs[address] = org
  end
  local of = {}
  for _, address in ipairs(everyone(t)) do
    local name = orgs[address] or address
    if not of[name] then
      of[name], names[#names + 1] = {}, name
      scores[name] = redis.sha1hex(t.session .. '\n' .. (orgs[address] and plain(name) or address))
    end
    table.insert(of[name], address)
  end
  table.sort(names, function(one, other) return less(scores[other], scores[one]) end)
  for _, name in ipairs(names) do
    local address, member = first_ready(t, sorted(of[name], function(each)
      return {limited_of(t, each, member_at(t, each)), used_of(t, each)}
    end))
    if address then return address, member end
  end
end

local SCANNING = {
  ['most-remaining'] = most_remaining,
  ['random'] = random,
  ['soonest-expiring'] = soonest_expiring,
  ['sticky'] = sticky,
  ['weighted'] = weighted,
}

local function pick(t)
  return (SCANNING[t.policy] or by_index)(t)
end
