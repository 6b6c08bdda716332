-- How many messages a second go between processes, in several ways, and whether they all arrive in order.
--
-- usage: perilune throughput.lua [MESSAGES]
local lproc = require "lproc"
local socket_found, socket = pcall(require, "socket")
local now = socket_found and socket.gettime or os.time

local count = math.tointeger(tonumber(arg and arg[1] or 1000000))

local function report(what, messages, begin)
  local seconds = now() - begin
  print(("%-46s %9d messages in %6.2f s: %9.0f a second"):format(what, messages, seconds, messages / seconds))
end

-- One process sends to another one; a value of each message is checked.
local function pair(what, capacity, messages, make)
  lproc.channel("pair", capacity)
  local begin = now()
  local sender = lproc.start(function()
    for i = 1, messages do lproc.send("pair", i, make(i)) end
  end)
  local receiver = lproc.start(function()
    for i = 1, messages do
      local n = lproc.receive("pair")
      if n ~= i then error(("message %d came in the place of %d"):format(n, i)) end
    end
  end)
  assert(sender:join())
  assert(receiver:join())
  report(what, messages, begin)
end
pair("a pair, integers, met", 0, count, function() end)
pair("a pair, integers, buffered by 100", 100, count, function() end)
pair("a pair, strings of 1000 bytes, buffered by 100", 100, count, function(i) return ("x"):rep(1000) end)
pair("a pair, tables of 10 fields, buffered by 100", 100, count // 10, function(i)
  local t = {}
  for n = 1, 5 do t[n], t["field" .. n] = i, n end
  return t
end)

-- Two processes that answer each other.
do
  local rounds = count // 10
  local begin = now()
  lproc.start(function()
    for _ = 1, rounds do lproc.send("pong", lproc.receive("ping")) end
  end)
  for i = 1, rounds do
    lproc.send("ping", i)
    assert(lproc.receive("pong") == i)
  end
  report("question and answer", 2 * rounds, begin)
end

-- A thousand processes in a ring, each of which hands a number on to the next.
do
  local size, rounds = 1000, math.max(1, count // 10000)
  for i = 1, size do
    lproc.start(function()
      for _ = 1, rounds do lproc.send(i + 1, lproc.receive(i) + 1) end
    end)
  end
  local begin = now()
  for _ = 1, rounds do
    lproc.send(1, 0)
    assert(lproc.receive(size + 1) == size)
  end
  report("a ring of 1000 processes", size * rounds, begin)
end

-- Many to many: four senders and four receivers on one channel.
do
  local each = count // 4
  lproc.channel("crowd", 100)
  local begin, receivers = now(), {}
  for id = 1, 4 do
    lproc.start(function()
      for i = 1, each do lproc.send("crowd", i) end
    end)
    receivers[id] = lproc.start(function()
      local sum = 0
      for _ = 1, each do sum = sum + lproc.receive("crowd") end
      return sum
    end)
  end
  local sum = 0
  for _, receiver in ipairs(receivers) do sum = sum + select(2, assert(receiver:join())) end
  assert(sum == 4 * (each * (each + 1) // 2), "a message is lost")
  report("four to four, buffered by 100", 4 * each, begin)
end
assert(lproc.wait(60))
