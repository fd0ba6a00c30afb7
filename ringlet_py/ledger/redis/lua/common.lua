-- What every script starts with: names of keys, the ledger's two clocks, uses and rates.
-- The arithmetic is that of ringlet_py/limits/windows.py; a test holds the two together.
-- Numbers go to Redis through text(): Lua writes those of more than 14 digits as 1e+15.

local PREFIX = KEYS[1]
local NEVER = 9007199254740991 -- 2^53 - 1
local LONGEST = {day = 2 * 86400000, week = 8 * 86400000, month = 32 * 86400000}

local function key(...)
  return PREFIX .. table.concat({...}, ':')
end

local function text(number)
  return string.format('%.0f', number)
end

-- Lua's own < follows the server's locale
local function less(one, other)
  for place = 1, math.min(#one, #other) do
    local a, b = string.byte(one, place), string.byte(other, place)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- the steady clock adds up how far TIME went forward: a step back costs nothing but the step
local function clocks()
  local time = redis.call('TIME')
  local wall = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
  local last = redis.call('HMGET', key('clock'), 'steady', 'wall')
  if not last[1] then return wall, wall end
  return tonumber(last[1]) + math.max(0, wall - tonumber(last[2])), wall
end

local function keep_clock(now, wall)
  redis.call('HSET', key('clock'), 'steady', text(now), 'wall', text(wall))
end

-- a calendar's window at a moment, as far as the caller sent windows: its start and its end
local function window_at(starts, wall)
  for place = 1, #starts - 1 do
    if wall < starts[place + 1] then return starts[place], starts[place + 1] end
  end
end

-- the calendars whose windows the caller has to send again: unknown ones, and any that this moment is not in
local function missing(names, calendars, wall)
  local lacking = {}
  for name in string.gmatch(names or '', '%S+') do
    local starts = calendars[name]
    if not starts or wall < starts[1] or wall >= starts[#starts] then lacking[#lacking + 1] = name end
  end
  return lacking
end

-- a use is written "steady wall serial"
local function use_of(written)
  local at, wall = string.match(written, '^(%d+) (%d+) ')
  return tonumber(at), tonumber(wall)
end

local function is_lifetime(rate)
  return rate[2] == 0 and not rate[3]
end

local function longest(rate)
  return LONGEST[string.match(rate[3], '^%a+')]
end

local function counts(rate, at, wall, t)
  if not rate[3] then return at >= t.now - rate[2] end
  return at >= t.now - longest(rate) and wall >= window_at(t.calendars[rate[3]], t.wall)
end

local function total(stream)
  return tonumber(redis.call('HGET', key('totals'), stream) or '0')
end

-- the steady moment from which the rate allows the next use; 0 if it does now
local function opens_at(rate, stream, t)
  if is_lifetime(rate) then return total(stream) >= rate[1] and NEVER or 0 end
  local nth = redis.call('LINDEX', key('use', stream), text(rate[1] - 1))
  if not nth then return 0 end
  local at, wall = use_of(nth)
  if not counts(rate, at, wall, t) then return 0 end
  if not rate[3] then return at + rate[2] + 1 end
  local _, closes = window_at(t.calendars[rate[3]], math.max(wall, t.wall))
  local latest = at + longest(rate) + 1
  return closes and math.min(t.now + closes - t.wall, latest) or latest
end

local function counts_at(rate, list, place, t)
  local at, wall = use_of(redis.call('LINDEX', list, place))
  return counts(rate, at, wall, t)
end

-- how many uses the rate allows now: mostly all that are kept count, else the last that does is searched by halves
local function left_of(rate, stream, t)
  if is_lifetime(rate) then return math.max(0, rate[1] - total(stream)) end
  local list = key('use', stream)
  local low, high = 0, math.min(rate[1], redis.call('LLEN', list))
  if high > 0 and counts_at(rate, list, high - 1, t) then return rate[1] - high end
  while low < high do
    local middle = math.ceil((low + high) / 2)
    if counts_at(rate, list, middle - 1, t) then low = middle else high = middle - 1 end
  end
  return rate[1] - low
end

local function latest_of(rates, stream, t)
  local latest = 0
  for _, rate in ipairs(rates) do latest = math.max(latest, opens_at(rate, stream, t)) end
  return latest
end

-- what must be kept of a stream: so many uses, for so long, and whether its total
local function retention(rates)
  local uses, length, whole = 0, 0, false
  for _, rate in ipairs(rates) do
    if is_lifetime(rate) then
      whole = true
    else
      uses = math.max(uses, rate[1])
      length = math.max(length, rate[3] and longest(rate) or rate[2])
    end
  end
  return uses, length, whole
end
