-- What the collector has looked at once and need not look at again: coroutines that wait or have not begun, with variables that
-- closures write to meanwhile; and the steps in which it looks.
local function steps(n, act)
  for i = 1, n do
    collectgarbage("step", 0)
    act(i)
  end
end

collectgarbage("stop")

-- Variables of suspended coroutines get new values between the steps, through closures.
local setters, getters, waiting = {}, {}, {}
for i = 1, 60 do
  waiting[i] = coroutine.wrap(function()
    local a, b = {0}, {0}
    setters[i] = function(v) a, b = {v}, {-v} end
    getters[i] = function() return a[1], b[1] end
    while true do
      coroutine.yield(a[1], b[1])
    end
  end)
  waiting[i]()
end
local wrong = 0
steps(900, function(i)
  local k = i * 7919 % 60 + 1
  setters[k](i)
  local j = i * 31 % 60 + 1
  local a, b = getters[j]()
  local c, d
  if i % 5 == 0 then
    c, d = waiting[j]()
  else
    c, d = a, b
  end
  if a + b ~= 0 or c ~= a or d ~= b then wrong = wrong + 1 end
end)
print(wrong) --> expect: 0

-- Of a large stack, too.
local function deep(n, report)
  local a = {n}
  if n == 0 then
    coroutine.yield()
  else
    deep(n - 1, report)
  end
  report(n, function(v) a = {v} end, function() return a[1] end)
  return a[1]
end
local sets, gets = {}, {}
local co = coroutine.wrap(function()
  local top = {}
  sets[0] = function(v) top = {v} end
  gets[0] = function() return top[1] end
  deep(500, function() end)
  return top[1]
end)
co()
steps(900, function(i) sets[0](i) assert(gets[0]() == i) end)
print(gets[0](), co()) --> expect: 900	900

-- Coroutines that have not begun begin at any time, with arguments.
local fresh = {}
for i = 1, 80 do
  fresh[i] = coroutine.create(function(x, ...)
    local t = {i}
    local y = coroutine.yield({x[1] + 1})
    return t[1], y[1], ...
  end)
end
local begun = 0
steps(900, function(i)
  local k = i * 7 % 80 + 1
  local co = fresh[k]
  if coroutine.status(co) == "suspended" then
    local ok, v, y = coroutine.resume(co, {i})
    assert(ok)
    if type(v) == "table" then
      assert(v[1] == i + 1)
      begun = begun + 1
    else
      assert(v == k and y == i)
    end
  elseif i > 300 then
    -- It has ended; a new one takes its place.
    fresh[k] = coroutine.create(function(x, ...) local y = coroutine.yield({x[1] + 1}) return k, y[1] end)
  end
end)
print(begun > 80) --> expect: true

-- After deep recursion the frames go, in steps or at once.
local function recurse(n) if n == 0 then return 0 end return 1 + recurse(n - 1) end
collectgarbage()
local before = collectgarbage("count")
for i = 1, 3 do
  print(recurse(8000)) --> expect: 8000
  --> expect: 8000
  --> expect: 8000
  local other = coroutine.create(function() recurse(2000) coroutine.yield() end)
  coroutine.resume(other)
end
for i = 1, 16 do collectgarbage() end
print(collectgarbage("count") - before < 200) --> expect: true

-- A list with weak values: elements come and go, move, and the list grows while it is looked at.
local list, keep = setmetatable({}, {__mode = "v"}), {}
for i = 1, 1200 do
  keep[i] = {i}
  list[i] = keep[i]
end
steps(2400, function(i)
  local k = i * 7919 % 1200 + 1
  keep[k] = nil
  if i % 3 == 0 then
    local new = {k}
    keep[k] = new
    list[k] = new
  elseif i % 100 == 1 then
    local n = #list
    list[n + 1] = {n + 1}
  elseif i % 400 == 2 then
    -- For a while it is a list like others.
    setmetatable(list, nil)
    for p = 1, 1200 do list[p] = list[p] or false end
    for p = 1201, #list do list[p] = nil end
    local x = {0}
    table.insert(list, 1, x)
    collectgarbage("step", 0)
    assert(table.remove(list, 1) == x)
    if i % 800 == 2 then collectgarbage("step", 0) end
    for p = 1, 1200 do list[p] = list[p] or nil end
    setmetatable(list, {__mode = "v"})
  end
  local j = i * 31 % 1200 + 1
  if keep[j] then assert(list[j] == keep[j]) end
  assert(list[j] == nil or list[j][1] == j)
end)
collectgarbage()
local same, alive = true, 0
for i = 1, 1200 do
  same = same and list[i] == keep[i]
  alive = alive + (keep[i] and 1 or 0)
end
print(same, alive > 100 and alive < 1150) --> expect: true	true
collectgarbage("restart")
