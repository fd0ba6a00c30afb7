-- Takes back what was counted under the lease id ARGV[1], once.

local function give_back(written)
  local lease = cjson.decode(written)
  local address = lease.answer[2]
  for _, use in ipairs(lease.taken) do
    redis.call('LREM', key('use', use[1]), 1, use[2])
    -- there is none where the key was renamed since: what it has elsewhere stays counted
    if use[3] == 1 and total(use[1]) > 0 then redis.call('HINCRBY', key('totals'), use[1], -1) end
  end
  redis.call('DEL', key('lease', ARGV[1]))
  touch_key(address)
  if lease.org ~= '' then touch_org(lease.org) end
end

local served = redis.call('GET', key('lease', ARGV[1]))
if served then give_back(served) end
