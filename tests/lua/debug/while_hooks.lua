-- Hooks see a while loop jump back to its condition, whatever the code behind its body is.
local function lines(f, ...)
  local seen, first = {}, debug.getinfo(f, "S").linedefined
  local co = coroutine.create(f)
  debug.sethook(co, function(_, line) seen[#seen + 1] = line - first end, "l")
  coroutine.resume(co, ...)
  return table.concat(seen, " ")
end
local function plain(n)
  local i = 0
  while i < n do
    i = i + 1
  end
  return i
end
print(lines(plain, 0), lines(plain, 1), lines(plain, 3)) --> expect: 1 2 5\t1 2 3 2 5\t1 2 3 2 3 2 3 2 5

local function one_line(n)
  local i = 0
  while i < n do i = i + 1 end
  return i
end
print(lines(one_line, 0), lines(one_line, 1), lines(one_line, 3)) --> expect: 1 2 3\t1 2 2 3\t1 2 2 2 2 3

local function split(n)
  local i = 0
  while i < n
    and i ~= 7 do
    i = i +
      1
  end
  return i
end
print(lines(split, 0), lines(split, 2), lines(split, 9)) --> expect: 1 2 7\t1 2 3 4 5 2 3 4 5 2 7\t1 2 3 4 5 2 3 4 5 2 3 4 5 2 3 4 5 2 3 4 5 2 3 4 5 2 3 4 5 2 3 7

local function ends_in_if(n)
  local i = 0
  while i < n do
    i = i + 1
    if i % 2 == 0 then
      i = i + 1
    end
  end
  return i
end
print(lines(ends_in_if, 0), lines(ends_in_if, 2), lines(ends_in_if, 3)) --> expect: 1 2 8\t1 2 3 4 2 3 4 5 6 2 8\t1 2 3 4 2 3 4 5 6 2 8

local function nested(n)
  local i = 0
  while i < n do
    local j = 0
    while j < i do
      j = j + 1
    end
    i = i + 1
  end
  return i
end
print(lines(nested, 3)) --> expect: 1 2 3 4 7 2 3 4 5 4 7 2 3 4 5 4 5 4 7 2 9

local function nested_last(n)
  local i = 0
  while i < n do
    i = i + 1
    local j = 0
    while j < i do j = j + 1 end
  end
  return i
end
print(lines(nested_last, 3)) --> expect: 1 2 3 4 5 5 2 3 4 5 5 5 2 3 4 5 5 5 5 2 7

local function with_goto(n)
  local i = 0
  while i < n do
    i = i + 1
    if i == 2 then
      goto continue
    end
    if i == 4 then break end
    ::continue::
  end
  return i
end
print(lines(with_goto, 9)) --> expect: 1 2 3 4 7 8 2 3 4 2 3 4 7 8 2 3 4 7 10

local function empty(t)
  local function step() t[1] = t[1] - 1 return t[1] > 0 end
  while step() do end
  while step() do
  end
end
print(lines(empty, {3})) --> expect: 1 2 1 2 1 2 1 3 1 5

local function captured(n)
  local i, all = 0, {}
  while i < n do
    local j = i
    all[#all + 1] = function() return j end
    i = i + 1
  end
  return all[1]() + all[2]()
end
print(lines(captured, 2), captured(2)) --> expect: 1 2 3 4 5 2 3 4 5 2 7 4 4\t1

local function either(a, b)
  local n = 0
  while (a and n < 2) or (b and n < 4) do
    n = n + 1
  end
  while not (n == 0) do n = n - 1 end
  return n
end
print(lines(either, true, false), lines(either, false, true), either(true, true)) --> expect: 1 2 3 2 3 2 5 5 5 6\t1 2 3 2 3 2 3 2 3 2 5 5 5 5 5 6\t0

local function last_assigns(n)
  local i, less = 0
  while i < n do
    i = i + 1
    less = i
      < n
  end
  return less
end
print(lines(last_assigns, 2)) --> expect: 1 2 3 5 2 3 5 2 7

-- A hook begins and ends within a condition.
do
  local seen, first = {}, nil
  local function note(_, line) seen[#seen + 1] = line - first end
  local function check(i)
    if i == 1 then debug.sethook(note, "l") elseif i == 3 then debug.sethook() end
    return i < 5
  end
  local function loop()
    local i = 0
    while check(i) do
      i = i + 1
    end
    return i
  end
  first = debug.getinfo(loop, "S").linedefined
  print(loop(), table.concat(seen, " ")) --> expect: 5\t-2 3 2 -3 -2 3 2 -3
end

-- What runs, seen from within a condition, in the first round and later.
local function where()
  local info = debug.getinfo(2, "l")
  local name, value = debug.getlocal(2, 2)
  return info.currentline, name, value, debug.getinfo(1, "n").name
end
local function conditions(t)
  local i = 0
  while t:check(
    where()) and i < 3 do
    local inner = i
    i = i + 1
  end
end
local first = debug.getinfo(conditions, "S").linedefined
conditions {check = function(_, line, name, value, called) print(line - first, name, value, called, debug.getinfo(1, "n").name) return true end}
--> expect: 3\ti\t0\twhere\tcheck
--> expect: 3\ti\t1\twhere\tcheck
--> expect: 3\ti\t2\twhere\tcheck
--> expect: 3\ti\t3\twhere\tcheck

-- Errors in a condition name what is wrong, and its line, in the first round and later.
local function broken(t, n)
  local i = 0
  while t.field[i] < n.limit do
    i = i + 1
  end
end
print(pcall(broken, {}, {limit = 3})) --> expect: false\twhile_hooks.lua:169: attempt to index a nil value (field 'field')
print(pcall(broken, {field = {[0] = 1, 2}}, {limit = 3})) --> expect: false\twhile_hooks.lua:169: attempt to compare nil with number
print(pcall(broken, {field = {[0] = 1, 2, {}}}, {limit = 3})) --> expect: false\twhile_hooks.lua:169: attempt to compare table with number
local function broken_call(n)
  local i = 0
  while n[i]() do
    i = i + 1
  end
end
print(pcall(broken_call, {[0] = function() return true end})) --> expect: false\twhile_hooks.lua:178: attempt to call a nil value (field '?')
local function broken_global(i)
  while i > 0 do
    i = i - 1
    if i == 1 then unknown_function() end
  end
end
print(pcall(broken_global, 3)) --> expect: false\twhile_hooks.lua:186: attempt to call a nil value (global 'unknown_function')

-- Active lines are those of the source.
local active = {}
for line in pairs(debug.getinfo(split, "L").activelines) do active[#active + 1] = line - debug.getinfo(split, "S").linedefined end
table.sort(active)
print(table.concat(active, " ")) --> expect: 1 2 3 4 5 7 8

-- Conditions that are not numbers compared: values, calls, comparisons with NaN, metamethods.
local nan, rounds = 0 / 0, 0
while nan < 1 do rounds = rounds + 1 break end
while not (nan < 1) and rounds < 3 do rounds = rounds + 1 end
local list = {value = 1, next = {value = 2, next = {value = 3}}}
local sum = 0
while list do sum = sum + list.value list = list.next end
print(rounds, sum) --> expect: 3\t6
local less = setmetatable({n = 0}, {__lt = function(a, b) a.n = a.n + 1 return a.n < 4 end})
while less < 1 do end
print(less.n) --> expect: 4
local co = coroutine.wrap(function()
  local yielding = setmetatable({}, {__lt = function(a, b) return coroutine.yield("lt") end, __index = function(_, k) return coroutine.yield(k) end})
  local n = 0
  while yielding < 1 and yielding.go do n = n + 1 end
  return n
end)
print(co(), co(true), co(true), co(true), co(true), co(false)) --> expect: lt\tgo\tlt\tgo\tlt\t2
local dumped = load(string.dump(plain))
print(lines(dumped, 2), dumped(5)) --> expect: 1 2 3 2 3 2 5\t5
local stripped = load(string.dump(plain, true))
print(stripped(5)) --> expect: 5

-- A stripped function has no lines, but hooks see each round of a loop in it.
do
  local source = "local i, n = 0, 5\nwhile i < n do\n i = i + 1\n end\n return i"
  local stripped = load(string.dump(load(source), true))
  local lines, count = 0, 0
  debug.sethook(function(_, line) if line == nil then lines = lines + 1 end end, "l")
  stripped()
  debug.sethook(function() count = count + 1 end, "", 1)
  stripped()
  debug.sethook()
  print(lines, count, next(debug.getinfo(stripped, "L").activelines)) --> expect: 6\t24\tnil
end
