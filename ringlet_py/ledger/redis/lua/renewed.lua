-- Ends the cooldowns of the address ARGV[1] whose reason is one of the others in ARGV: they were its value's fault.

local SUBJECT = 'key:' .. ARGV[1]
local place, reasons = key('rest', SUBJECT), {}
for number = 2, #ARGV do reasons[ARGV[number]] = true end

local function is_ended(name)
  if string.sub(name, 1, 5) ~= 'until' then return false end
  return reasons[string.match(redis.call('HGET', place, name), '^%d+ (.*)$')]
end

for _, name in ipairs(redis.call('HKEYS', place)) do
  if is_ended(name) then
    redis.call('HDEL', place, name)
    if name == 'until' then redis.call('ZREM', key('resting'), SUBJECT) end
  end
end
touch_key(ARGV[1])
