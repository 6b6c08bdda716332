-- Tail calls and calls with as many arguments as another call gives: all arguments there, some missing, too many, vararg functions.
local unpack = table.unpack

local function none() end
local function one() return 1 end
local function two() return 1, 2 end
local function many(n) local t = {} for i = 1, n do t[i] = i end return unpack(t) end

local function fixed0() return "none" end
local function fixed2(a, b) local c, d return a, b, c, d end
local function vararg(...) return select("#", ...), ... end
local function vararg2(a, b, ...) return select("#", ...), a, b, ... end

-- As many arguments as a call gives, in a call.
print(fixed0(none()), fixed0(two())) --> expect: none\tnone
print(fixed2(none())) --> expect: nil\tnil\tnil\tnil
print(fixed2(one())) --> expect: 1\tnil\tnil\tnil
print(fixed2(two())) --> expect: 1\t2\tnil\tnil
print(fixed2(many(5))) --> expect: 1\t2\tnil\tnil
print(fixed2("x", none())) --> expect: x\tnil\tnil\tnil
print(fixed2("x", two())) --> expect: x\t1\tnil\tnil
print(vararg(none())) --> expect: 0
print(vararg(two())) --> expect: 2\t1\t2
print(vararg2(one())) --> expect: 0\t1\tnil
print(vararg2(many(4))) --> expect: 2\t1\t2\t3\t4

-- The same in tail calls.
local function tail(f, g, ...) return f(g(...)) end
print(tail(fixed0, none), tail(fixed0, two)) --> expect: none\tnone
print(tail(fixed2, none)) --> expect: nil\tnil\tnil\tnil
print(tail(fixed2, one)) --> expect: 1\tnil\tnil\tnil
print(tail(fixed2, two)) --> expect: 1\t2\tnil\tnil
print(tail(fixed2, many, 5)) --> expect: 1\t2\tnil\tnil
print(tail(vararg, none)) --> expect: 0
print(tail(vararg, two)) --> expect: 2\t1\t2
print(tail(vararg2, one)) --> expect: 0\t1\tnil
print(tail(vararg2, many, 4)) --> expect: 2\t1\t2\t3\t4
print(select("#", tail(vararg, many, 200)), (select(200, tail(vararg, many, 200)))) --> expect: 201\t199
print(select("#", tail(fixed2, many, 200))) --> expect: 4

-- With fixed numbers of arguments, from functions with and without extra ones.
local function tail0(f) return f() end
local function tail1(f, x) return f(x) end
local function tail3(f, x, y, z) return f(x, y, z) end
local function vtail3(f, ...) local x, y, z = ... return f(x, y, z) end
for _, f in ipairs { fixed0, fixed2, vararg, vararg2 } do
  print(tail0(f)) --> expect: none
  print(tail1(f, 1)) --> expect: none
  print(tail3(f, 1, nil, 3)) --> expect: none
  print(vtail3(f, 1, nil, 3, 4))
--> expect: none
--> expect: nil\tnil\tnil\tnil
--> expect: 1\tnil\tnil\tnil
--> expect: 1\tnil\tnil\tnil
--> expect: 1\tnil\tnil\tnil
--> expect: 0
--> expect: 1\t1
--> expect: 3\t1\tnil\t3
--> expect: 3\t1\tnil\t3
--> expect: 0\tnil\tnil
--> expect: 0\t1\tnil
--> expect: 1\t1\tnil\t3
--> expect: 1\t1\tnil\t3
end

-- A parameter that was not given is nil, whatever lay in its place.
local function dirty(a, b, c, d, e) local x, y, z = 1, 2, 3 return fixed2() end
print(dirty(1, 2, 3, 4, 5)) --> expect: nil\tnil\tnil\tnil
local function dirty1(a, b, c, d, e) return fixed2(one()) end
print(dirty1(1, 2, 3, 4, 5)) --> expect: 1\tnil\tnil\tnil

-- Variables of a frame that is taken over keep their values for closures.
local function captured(n, f)
  local function get() return n end
  n = n + 1
  return f(get)
end
print(captured(1, function(get) return get() end)) --> expect: 2
print(captured(1, function(...) local get, more = ... return get(), more end)) --> expect: 2\tnil
print(captured(1, function(get, missing) return get(), missing end)) --> expect: 2\tnil
local keep = {}
local function chain(n) local m = n * 2 keep[#keep + 1] = function() m = m + 1 return m end if n > 0 then return chain(n - 1) end return two() end
print(chain(3)) --> expect: 1\t2
print(keep[1](), keep[1](), keep[2](), keep[4]()) --> expect: 7\t8\t5\t1

-- A single value for a call that wants all, none or several.
local function id(x) return x end
print(id(id(id(7)))) --> expect: 7
print((id(id(none())))) --> expect: nil
print(#{ id(1), id(2), id(id(3)) }, select("#", id(none()))) --> expect: 3\t1
local a, b, c = id(1)
print(a, b, c) --> expect: 1\tnil\tnil
local t = { id(two()) }
print(#t, t[1]) --> expect: 1\t1

-- Depth: tail calls take no stack, others do.
local function loop(n, ...) if n == 0 then return select("#", ...) end return loop(n - 1, ...) end
print(loop(100000), loop(100000, 1, 2, 3)) --> expect: 0\t3
local function ack(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ack(m - 1, 1) end
  return ack(m - 1, ack(m, n - 1))
end
print(ack(2, 100)) --> expect: 203
local function deep(n) if n == 0 then return 0 end return id(1 + deep(n - 1)) end
print(deep(10000)) --> expect: 10000
local function wide(n) if n == 0 then return many(100) end return vararg(wide(n - 1)) end
print(select("#", wide(50))) --> expect: 150
local function sum(...) local s = 0 for i = 1, select("#", ...) do s = s + (select(i, ...)) end return s end
local function passed(n, ...) if n == 0 then return sum(...) end return passed(n - 1, n, ...) end
print(passed(200)) --> expect: 20100

-- A function that calls itself, by whatever name: another closure of the same code is another function.
local function maker(tag)
  local self
  local function own(n, a, b) if n == 0 then return tag, a, b end return self(n - 1, b, a) end
  return own, function(f) self = f end
end
local f1, set1 = maker("one")
local f2, set2 = maker("two")
set1(f1) set2(f1)
print(f1(3, "a", "b")) --> expect: one\tb\ta
print(f2(3, "a", "b")) --> expect: one\tb\ta
set1(f2)
print(f1(3, "a", "b")) --> expect: two\tb\ta
local function few(n, a, b) if n == 0 then return a, b end return few(n - 1, n) end
print(few(3, "a", "b")) --> expect: 1\tnil
local function more(n, a) local x, y, z if n == 0 then return a, x, y, z end return more(n - 1, a + 1, "x", "y", "z") end
print(more(3, 1)) --> expect: 4\tnil\tnil\tnil
local function bare() local was = counter counter = (was or 0) + 1 if was == 5 then return was end return bare() end
print(bare()) --> expect: 5
local function extra(n, ...) if n == 0 then return ... end return extra(n - 1, n, ...) end
print(extra(3)) --> expect: 1\t2\t3
local function closing(n) local function get() return n end if n == 0 then return get() end return closing(n - 1) end
print(closing(3)) --> expect: 0
print(pcall(function(n) local function again(n) if n == 0 then error("deep", 0) end return again(n - 1) end return again(n) end, 3)) --> expect: false\tdeep

-- The frame that was taken over is not in the traceback, nor does it know who called it.
local function where() return debug.getinfo(1, "t").istailcall, debug.getinfo(2, "t").istailcall end
local function by_tail(f, ...) return f(...) end
print(by_tail(where)) --> expect: true\tfalse
print(by_tail(where, 1, 2, 3)) --> expect: true\tfalse
print((by_tail(where, one()))) --> expect: true
print(pcall(by_tail, function(...) error("in a vararg function", 0) end, two())) --> expect: false\tin a vararg function
print(pcall(by_tail, fixed2, one())) --> expect: true\t1\tnil\tnil\tnil
print(pcall(by_tail, nil)) --> expect: false\ttail_calls.lua:140: attempt to call a nil value (local 'f')

-- Through pcall, coroutines and metamethods.
print(pcall(tail, fixed2, two)) --> expect: true\t1\t2\tnil\tnil
print(coroutine.wrap(function(...) return tail(vararg, many, ...) end)(3)) --> expect: 3\t1\t2\t3
local co = coroutine.wrap(function() return fixed2(coroutine.yield(1)) end)
print(co(), co("a", "b")) --> expect: 1\ta\tb\tnil\tnil
local m = setmetatable({}, { __index = function(t, k) return id(id(k)) end, __add = function(...) return tail(vararg, two) end,
  __call = function(self, ...) return vararg(...) end })
print(m.x, m + 1, m(1, 2)) --> expect: x\t2\t2\t1\t2
print(tail(m, two)) --> expect: 2\t1\t2
