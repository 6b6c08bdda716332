-- The longest pauses of programs with many live objects, at the collector's default settings, whatever the interpreter.
--
-- usage: INTERPRETER bench/pauses.lua [PART OF A NAME]
--
-- Each case fills memory, and then goes on allocating while each turn of its loop is timed, by the processor's time of the process. A
-- turn of some microseconds and more is a step of the collector's, or the system's clearing of new pages. Shown are the longest
-- turns, in microseconds: the one of a thousand, of ten thousand and of a hundred thousand, and the longest one.
local only = ... or ""
local clock = os.clock
local unpack = table.unpack or unpack

-- Times `turns` calls of a function. The turns' times are counted by microseconds, so that keeping them allocates nothing.
local function time(name, turns, turn)
  local counts, long = {}, {}
  for i = 0, 1000 do counts[i] = 0 end
  for i = 1, 100 do long[i] = 0 end
  local longest = 0
  for i = 1, turns do
    local begin = clock()
    turn(i)
    local us = math.floor((clock() - begin) * 1e6 + 0.5)
    if us > longest then longest = us end
    if us > 1000 then us = 1000 end
    counts[us] = counts[us] + 1
  end
  local function quantile(rest)
    local seen = 0
    for us = 1000, 0, -1 do
      seen = seen + counts[us]
      if seen > turns / rest then return us == 1000 and ">1000" or tostring(us) end
    end
    return "-"
  end
  print(string.format("%-28s %8s %8s %8s %8d", name, quantile(1e3), quantile(1e4), quantile(1e5), longest))
end

-- Runs a case: `fill` makes what lives, and returns what is done in each turn.
local function case(name, turns, fill)
  if not name:find(only, 1, true) then return end
  local turn, live = fill()
  time(name, turns, turn)
  live = nil
  collectgarbage()
end

local function garbage() local t = {} end

local function filled(n, make)
  local t = {}
  for i = 1, n do t[i] = make(i) end
  return t
end

print(string.format("%-28s %8s %8s %8s %8s", "", "1e-3", "1e-4", "1e-5", "longest"))

case("400,000 tables", 3000000, function()
  return garbage, filled(400000, function(i) return {i} end)
end)

case("1,000,000 tables", 3000000, function()
  return garbage, filled(1000000, function(i) return {} end)
end)

case("4,000,000 numbers", 2000000, function()
  return garbage, filled(4000000, function(i) return i end)
end)

case("400,000 strings", 1000000, function()
  return function(i) return "garbage " .. i end, filled(400000, function(i) return "a string " .. i end)
end)

case("strings come and go", 1000000, function()
  local t = filled(400000, function(i) return "a string " .. i end)
  return function(i) t[i * 7919 % 400000 + 1] = i % 50000 == 0 and "x" or "b" .. i end, t
end)

case("400,000 closures", 2000000, function()
  return garbage, filled(400000, function(i) return function() return i end end)
end)

case("a hash written to", 1500000, function()
  local t = {}
  for i = 1, 400000 do t["key " .. i] = {} end
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  return function(i) t[keys[i * 7919 % 400000 + 1]] = {} end, t
end)

case("a hash with new keys", 1500000, function()
  local t, keys = {}, {}
  for i = 1, 400000 do keys[i] = {} t[keys[i]] = i end
  return function(i)
    local at = i * 7919 % 400000 + 1
    t[keys[at]] = nil
    keys[at] = {}
    t[keys[at]] = i
  end, t
end)

case("400,000 tables written to", 1500000, function()
  local t = filled(400000, function(i) return {i} end)
  return function(i) t[i * 7919 % 400000 + 1][1] = {} end, t
end)

case("20,000 coroutines", 2000000, function()
  return garbage, filled(20000, function()
    local co = coroutine.create(function() coroutine.yield() end)
    coroutine.resume(co)
    return co
  end)
end)

case("20,000 coroutines switched", 1000000, function()
  local t = filled(20000, function()
    return coroutine.wrap(function() while true do coroutine.yield({}) end end)
  end)
  return function(i) t[i * 7919 % 20000 + 1]() end, t
end)

case("a stack of 150,000 calls", 1000000, function()
  local function deep(n)
    if n == 0 then coroutine.yield() return 0 end
    return 1 + deep(n - 1)
  end
  local co = coroutine.create(deep)
  coroutine.resume(co, 150000)
  return garbage, co
end)

case("20,000 coroutines to begin", 2000000, function()
  return garbage, filled(20000, function() return coroutine.create(function() end) end)
end)

case("20,000 coroutines captured", 2000000, function()
  return garbage, filled(20000, function()
    local co = coroutine.wrap(function()
      local a, b = {}, {}
      coroutine.yield(function() return a, b end)
    end)
    co()
    return co
  end)
end)

-- What a recursion leaves behind, and what one holds that goes on.
case("after 150,000 calls", 600000, function()
  local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
  deep(150000)
  return garbage
end)

case("at 30,000 calls", 1000000, function()
  local function deep(n)
    local t = {}
    if n > 0 then deep(n - 1) end
    while n == 0 do coroutine.yield(garbage()) end
    return t
  end
  local co = coroutine.wrap(function() deep(30000) end)
  co()
  return co
end)

case("400,000 closures, 9 upvalues", 1500000, function()
  local a, b, c, d, e, f, g, h = {}, {}, {}, {}, {}, {}, {}, {}
  return garbage, filled(400000, function(i) return function() return a, b, c, d, e, f, g, h, i end end)
end)

case("200,000 iterators", 1500000, function()
  return garbage, filled(200000, function() return string.gmatch("abc", "%a") end)
end)

case("a chunk, 200,000 constants", 1000000, function()
  local items = filled(200000, function(i) return ("'s%d'"):format(i) end)
  return garbage, (loadstring or load)("return {" .. table.concat(items, ",") .. "}")
end)

case("a buffer of 200,000 lines", 1000000, function()
  local lines = {}
  return function(i)
    lines[#lines + 1] = "line " .. i .. "\n"
    if i % 2000 == 0 then lines[#lines] = table.concat(lines, "", #lines - 1999) end
    if #lines == 200000 then lines = {} end
  end
end)

case("a queue of 400,000", 1000, function()
  local queue = filled(400000, function(i) return {i} end)
  return function()
    queue[#queue + 1] = table.remove(queue, 1)
    for i = 1, 300 do garbage() end
  end, queue
end)

local function weak(mode, n, entry)
  local t, keep = setmetatable({}, {__mode = mode}), {}
  for i = 1, n do
    local key, value
    keep[i], key, value = entry(i)
    t[key] = value
  end
  return t, keep
end

case("a weak table of 400,000", 1500000, function()
  return garbage, {weak("k", 400000, function(i) local key = {} return key, key, i end)}
end)

case("400,000 weak values", 1500000, function()
  return garbage, {weak("v", 400000, function(i) local value = {} return value, "key " .. i, value end)}
end)

case("a weak list of 400,000", 1500000, function()
  local t, keep = weak("v", 400000, function(i) local value = {} return value, i, value end)
  return function(i)
    garbage()
    if i % 50 == 0 then keep[i * 7919 % 400000 + 1] = false end
  end, t
end)

case("400,000 ephemerons", 1500000, function()
  return garbage, {weak("k", 400000, function() local key = {} return key, key, {key} end)}
end)

case("ephemerons in two levels", 1500000, function()
  local t, keep = weak("k", 1000, function() local key = {} return key, key, {} end)
  for _, key in ipairs(keep) do
    for i = 1, 200 do
      local inner = {}
      t[key][i] = inner
      t[inner] = {i}
    end
  end
  return garbage, {t, keep}
end)

case("400,000 weak values die", 2000000, function()
  local t, keep = weak("v", 400000, function(i) local value = {} return value, "key " .. i, value end)
  return function(i)
    if i == 100000 then keep = nil end
    garbage()
  end, t
end)

case("400,000 with finalizers", 1500000, function()
  local mt = {__gc = function() end}
  return garbage, filled(400000, function(i) return setmetatable({}, mt) end)
end)

case("400,000 with finalizers die", 2000000, function()
  local mt = {__gc = function() end}
  local t = filled(400000, function(i) return setmetatable({i}, mt) end)
  return function(i)
    if i == 100000 then t = nil end
    garbage()
  end
end)

case("a large one with a finalizer", 2000000, function()
  local t = setmetatable(filled(400000, function(i) return {i} end), {__gc = function() end})
  return function(i)
    if i == 100000 then t = nil end
    garbage()
  end
end)
