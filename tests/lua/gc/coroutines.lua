-- Coroutines that wait while the collector marks: what they hold stays, however their stacks change meanwhile.
local function step(n) for _ = 1, n do collectgarbage("step", 0) end end

-- Each waits with a value of its own; it is resumed at any time of a cycle, and holds another one then.
local threads, expected = {}, {}
for i = 1, 80 do
  threads[i] = coroutine.wrap(function()
    local held = {i}
    while true do
      local got = coroutine.yield(held[1])
      held = {got}
      local garbage = {{}, {}}
    end
  end)
  expected[i] = threads[i]()
end
local seed, wrong = 1, 0
for round = 1, 2000 do
  seed = seed * 16807 % 2147483647
  local i = seed % 80 + 1
  if round % 3 == 0 then step(1) end
  if threads[i](round) ~= round then wrong = wrong + 1 end
end
print("resumed", wrong) --> expect: resumed\t0

-- Variables of waiting coroutines that closures write to.
local setters, getters, cos = {}, {}, {}
for i = 1, 40 do
  cos[i] = coroutine.create(function()
    local value = {0}
    coroutine.yield(function(v) value = v end, function() return value end)
    return value
  end)
  local _, set, get = coroutine.resume(cos[i])
  setters[i], getters[i] = set, get
end
for round = 1, 600 do
  seed = seed * 16807 % 2147483647
  local i = seed % 40 + 1
  step(1)
  setters[i]({round, i})
  expected[i] = round
end
for i = 1, 40 do
  step(3)
  local value = getters[i]()
  if value[1] ~= expected[i] and value[1] ~= 0 then wrong = wrong + 1 end
  local _, last = coroutine.resume(cos[i])
  if last ~= value then wrong = wrong + 1 end
end
print("written", wrong) --> expect: written\t0

-- Large stacks, looked at in parts, which go on and end between two of these.
local function deep(n)
  local mine = {n}
  if n == 0 then
    for i = 1, 20 do coroutine.yield({i}) end
    return 0
  end
  return deep(n - 1) + mine[1]
end
for round = 1, 2 do
  local co = coroutine.wrap(deep)
  local sum = co(400)[1]
  for i = 2, 20 do step(i) sum = sum + co()[1] end
  step(100)
  print(sum, co()) --> expect: 210\t80200 --> expect: 210\t80200
end

-- Locals that the debug library sets in waiting coroutines.
for i = 1, 40 do
  local co = coroutine.create(function() local a = {1} coroutine.yield() return a end)
  coroutine.resume(co)
  step(i)
  debug.setlocal(co, 1, 1, {i})
  step(i)
  local _, a = coroutine.resume(co)
  if a[1] ~= i then wrong = wrong + 1 end
end
print("set", wrong) --> expect: set\t0
