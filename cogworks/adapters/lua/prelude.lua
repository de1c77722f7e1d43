-- Shared words of all scripts; every script starts with this file.

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Lua prints large numbers in scientific notation, which no reader of ours expects.
local function whole(number)
  return string.format('%.0f', number)
end

-- How long this Redis has known us; the first to ask starts the count (RUN-14).
local function epoch_age_ms(epoch_key, now)
  redis.call('SET', epoch_key, whole(now), 'NX')
  return now - tonumber(redis.call('GET', epoch_key))
end

local function raise_fence(run_key, fence)
  local current = tonumber(redis.call('HGET', run_key, 'fence') or '0')
  if current < fence then
    redis.call('HSET', run_key, 'fence', whole(fence))
  end
end

local function next_fence(run_key, floor)
  raise_fence(run_key, floor)
  return redis.call('HINCRBY', run_key, 'fence', 1)
end

-- An attempt's lease is one text: attempt|fence|end of lease in ms, 0 once ended|starts|owner.
local function read_attempt(run_key, field)
  local text = redis.call('HGET', run_key, field)
  if not text then
    return nil
  end
  local attempt, fence, ends, starts, owner = string.match(text, '^(%d+)|(%d+)|(%d+)|(%d+)|(.*)$')
  return {
    attempt = tonumber(attempt), fence = tonumber(fence), ends = tonumber(ends), starts = tonumber(starts), owner = owner,
  }
end

local function write_attempt(run_key, field, entry)
  local parts = {whole(entry.attempt), whole(entry.fence), whole(entry.ends), whole(entry.starts), entry.owner}
  redis.call('HSET', run_key, field, table.concat(parts, '|'))
end

-- A reservation is one text: node|micro-dollars|tokens|end in ms|holder. Past its end it counts as sent and unanswered.
local function read_reservation(text)
  local node, microusd, tokens, ends, holder = string.match(text, '^([^|]*)|(%d+)|(%d+)|(%d+)|(.*)$')
  return {
    node = node, microusd = tonumber(microusd), tokens = tonumber(tokens), ends = tonumber(ends), holder = holder,
  }
end

-- Sums of all reservations but the one of call `except`: live ones and late ones apart, and one node's share of both.
local function sum_reservations(res_key, now, except, node)
  local sums = {live = {calls = 0, microusd = 0, tokens = 0}, late = {calls = 0, microusd = 0, tokens = 0}, node = 0}
  local all = redis.call('HGETALL', res_key)
  for i = 1, #all, 2 do
    if all[i] ~= except then
      local one = read_reservation(all[i + 1])
      local sum = one.ends > now and sums.live or sums.late
      sum.calls = sum.calls + 1
      sum.microusd = sum.microusd + one.microusd
      sum.tokens = sum.tokens + one.tokens
      if one.node == node then
        sums.node = sums.node + one.microusd
      end
    end
  end
  return sums
end

-- A window of a limit is one text in a hash: limit|remaining|end in ms|its end as the provider names it. Past its end nothing is known.
local function read_window(key, kind, now)
  local text = redis.call('HGET', key, 'w:' .. kind)
  if not text then
    return nil
  end
  local limit, remaining, ends, name = string.match(text, '^(%d+)|(%d+)|(%d+)|(%d+)$')
  if tonumber(ends) <= now then
    return nil
  end
  return {limit = tonumber(limit), remaining = tonumber(remaining), ends = tonumber(ends), name = tonumber(name)}
end

local function write_window(key, kind, window)
  local parts = {whole(window.limit), whole(window.remaining), whole(window.ends), whole(window.name)}
  redis.call('HSET', key, 'w:' .. kind, table.concat(parts, '|'))
end

-- Within a window the lower remaining wins; a later window replaces it, an earlier one comes from a late answer.
local function note_window(key, kind, seen, now)
  local known = read_window(key, kind, now)
  if seen.ends <= now or (known and known.name > seen.name) then
    return
  end
  if known and known.name == seen.name then
    seen.remaining = math.min(seen.remaining, known.remaining)
    seen.ends = math.max(seen.ends, known.ends)
  end
  write_window(key, kind, seen)
end

local function moment(key, name)
  return tonumber(redis.call('HGET', key, 'at:' .. name) or '0')
end

-- From how many requests on the token's repositories want them spared: the most careful one counts.
local function floor_of(key, default)
  local floor = nil
  local all = redis.call('HGETALL', key)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 6) == 'floor:' then
      floor = math.max(floor or 0, tonumber(all[i + 1]))
    end
  end
  return floor or default
end

local function add_cost(ledger_key, node, microusd, tokens)
  redis.call('HINCRBY', ledger_key, 'microusd', microusd)
  redis.call('HINCRBY', ledger_key, 'tokens', tokens)
  redis.call('HINCRBY', ledger_key, 'n:' .. node, microusd)
end

-- Book an answered call once; what it cost stays beside its id until the journal holds it.
local function book_call(keys, call, node, microusd, tokens)
  redis.call('HDEL', keys[2], call)
  redis.call('ZREM', keys[3], call)
  if redis.call('HSETNX', keys[1], 'c:' .. call, node .. '|' .. microusd .. '|' .. tokens) == 0 then
    return false
  end
  add_cost(keys[1], node, microusd, tokens)
  redis.call('XADD', keys[4], '*', 'call', call, 'node', node, 'microusd', microusd, 'tokens', tokens)
  return true
end

-- Count a call that was sent and never answered: a reservation that ended long ago.
local function book_unanswered(res_key, call, node, microusd, tokens)
  redis.call('HSETNX', res_key, call, node .. '|' .. microusd .. '|' .. tokens .. '|1|')
end
