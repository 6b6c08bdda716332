-- Returns from functions whose variables closures keep: none, one, several of them; no, one, several results wanted and given.
local keep
local function none(x) if x then keep = function() return x end end return 1 end
local function one(x) local y = x keep = function(v) if v then y = v end return y end return y end
local function two(x, y) keep = function(v) x = v or x y = y .. "!" return x, y end return x, y end
local function extra(...) local x = ... keep = function() x = x + 1 return x end return x end
local function nothing(x) keep = function() return x end end

print(none(), none(2), keep()) --> expect: 1\t1\t2
none(3) print(keep()) --> expect: 3
print(one("a"), keep(), keep("b"), keep()) --> expect: a\ta\tb\tb
print((one("c")), ({ one("d") })[1], keep()) --> expect: c\td\td
local a, b = one("e")
print(a, b, keep("f"), keep()) --> expect: e\tnil\tf\tf
print(two(1, "y"), keep(2)) --> expect: 1\t2\ty!
print((two(1, "y"))) --> expect: 1
local c, d, e = two(1, "y")
print(c, d, e, keep()) --> expect: 1\ty\tnil\t1\ty!
two(3, "z") print(keep()) --> expect: 3\tz!
print(extra(1, 2, 3), keep(), keep()) --> expect: 1\t2\t3
print((extra(5)), keep()) --> expect: 5\t6
print(nothing(4), keep()) --> expect: nil\t4
print((nothing(5)), keep()) --> expect: nil\t5

-- Variables of several functions at once, and of a frame below.
local function outer(x)
  local get = function() return x end
  local function inner(y) local both = function() x = x + y return x end return both end
  local both = inner(10)
  return both() + get(), both, get
end
local sum, both, get = outer(1)
print(sum, both(), get()) --> expect: 22\t21\t21

-- While the collector works, in all of its phases: what is kept must stay alive.
local function counter(t) local n = { t } return function() n[1] = n[1] + 1 return n[1] end end
local counters = {}
for i = 1, 2000 do
  counters[i % 50 + 1] = counter(i)
  if i % 7 == 0 then collectgarbage("step", 1) end
end
local total = 0
for i = 1, 50 do total = total + counters[i]() + counters[i]() end
print(total) --> expect: 197700
local function deferred() local text = "t" .. #counters local get = function() return text end collectgarbage("step", 0) text = text .. "x" return get end
for _ = 1, 200 do keep = deferred() end
collectgarbage()
print(keep()) --> expect: t50x

-- Through coroutines, protected calls and metamethods.
print(coroutine.wrap(function(x) local f = function() x = x + 1 return x end coroutine.yield(f) return f() end)(1)()) --> expect: 2
print(pcall(function(x) keep = function() return x end return x end, 6), keep()) --> expect: true\t6
local m = setmetatable({}, { __index = function(t, k) keep = function() return k end return k end })
print(m.name, keep()) --> expect: name\tname
print(select("#", two(1, "y")), select("#", nothing(1))) --> expect: 2\t0
