-- Metamethods of all shapes: fewer and more parameters than arguments, varargs, natives, errors, yields, deep recursion.
local function log(...) print(select("#", ...), ...) end
local mt = {}
local a, b = setmetatable({}, mt), setmetatable({}, mt)
mt.__add = function() return "none" end
log(a + 1, 1 + a) --> expect: 2\tnone\tnone
mt.__add = function(x, y, z, w) return (x == a) and y, z, w end
log(a + 5) --> expect: 1\t5
log(5 + a) --> expect: 1\tfalse
mt.__add = function(...) return select("#", ...) end
log(a + b) --> expect: 1\t2
mt.__add = function() end
log(a + b) --> expect: 1\tnil
mt.__add = rawequal
log(a + a, a + b) --> expect: 2\ttrue\tfalse
mt.__add = setmetatable({}, { __call = function(self, x, y) return "called " .. tostring(y) end })
log(a + 7) --> expect: 1\tcalled 7
mt.__add = 5
log(pcall(function() return a + 1 end)) --> expect: 2\tfalse\tmetamethods_enter.lua:19: attempt to call a number value
mt.__add = nil
log(pcall(function() return a + 1 end)) --> expect: 2\tfalse\tmetamethods_enter.lua:21: attempt to perform arithmetic on a table value (upvalue 'a')
-- Tests with all truth values, in both senses, and the fallback of __le.
for _, v in ipairs { true, false, 0, "" } do
  mt.__lt = function() return v end
  mt.__eq = mt.__lt
  log(a < b, a > b, not (a < b), a <= b, a >= b, a == b, a ~= b) --> expect: 7\ttrue\ttrue\tfalse\tfalse\tfalse\ttrue\tfalse
  if a < b then log("then") else log("else") end --> expect: 1\tthen
  if not (a <= b) then log("then") else log("else") end --> expect: 1\tthen
  local n = 0
  while a < b and n < 2 do n = n + 1 end
  log(n)
--> expect: 1\t2
--> expect: 7\tfalse\tfalse\ttrue\ttrue\ttrue\tfalse\ttrue
--> expect: 1\telse
--> expect: 1\telse
--> expect: 1\t0
--> expect: 7\ttrue\ttrue\tfalse\tfalse\tfalse\ttrue\tfalse
--> expect: 1\tthen
--> expect: 1\tthen
--> expect: 1\t2
--> expect: 7\ttrue\ttrue\tfalse\tfalse\tfalse\ttrue\tfalse
--> expect: 1\tthen
--> expect: 1\tthen
--> expect: 1\t2


























end
mt.__lt = function() end
log(a < b, a <= b) --> expect: 2\tfalse\ttrue
mt.__le = function(x, y) return x == a end
log(a <= b, b <= a) --> expect: 2\ttrue\ttrue
log(pcall(function() return a < 1, 1 <= a end)) --> expect: 3\ttrue\tfalse\tfalse
mt.__lt = function(x, y) return type(x) == "number" end
log(1 < a, a < 1, 2.5 > a, a > 2.5) --> expect: 4\ttrue\tfalse\tfalse\ttrue
-- Results of functions that return several, or by a tail call.
mt.__sub = function(x, y) return 1, 2, 3 end
mt.__mul = function(x, y) return math.max(y, 2) end
mt.__div = function(x, y) return (function(v) return v end)(y) end
log(a - 1, (a - 1), a * 1, a / 9) --> expect: 4\t1\t1\t2\t9
local captured
mt.__unm = function(x) local v = x; captured = function() return v end; return v end
log(-a == a or rawequal(-a, a), rawequal(captured(), a)) --> expect: 2\ttrue\ttrue
mt.__index = function(t, k) return k end
mt.__newindex = function(t, k, v) rawset(t, k .. "'", v) return 1, 2 end
a.x = 5
log(a.y, a[1], a["x'"], a.x) --> expect: 4\ty\t1\t5\tx
function mt.__index(t, k) if k == 0 then return "end" end return t[k - 1] end
log(a[50]) --> expect: 1\tend
mt.__concat = function(x, y) return "(" .. (rawequal(x, a) and "a" or x) .. (rawequal(y, a) and "a" or y) .. ")" end
log(a .. 1 .. 2, 1 .. a .. 2, "x" .. a) --> expect: 3\t(a12)\t1(a2)\t(xa)
mt.__len = function(x, y) return x == y and 3 end
mt.__eq = nil
log(#a, pcall(function() for i = 1, #b do end end)) --> expect: 2\t3\ttrue
-- Errors and where they are.
mt.__add = function(x, y) error("oh") end
log(pcall(function() local r = a + 1 end)) --> expect: 2\tfalse\tmetamethods_enter.lua:99: oh
mt.__add = function(x, y) return x.no.field end
mt.__index = nil
log(pcall(function() return a + 1 end)) --> expect: 2\tfalse\tmetamethods_enter.lua:101: attempt to index a nil value (field 'no')
-- Calls of what is no function.
local c = setmetatable({}, { __call = function(self, ...) return self, ... end })
log(rawequal(c(1, 2), c), select(2, c(1, 2))) --> expect: 3\ttrue\t1\t2
log(select("#", c()), (select(2, c(nil)))) --> expect: 2\t1\tnil
local d = setmetatable({}, { __call = function(self, x) if x == 0 then return "bottom" end return self(x - 1) end })
log(d(60)) --> expect: 1\tbottom
local e = setmetatable({}, { __call = c })
log(pcall(function() return e(3) end)) --> expect: 2\tfalse\tmetamethods_enter.lua:111: attempt to call a table value (upvalue 'e')
log((pcall(c, 9)), pcall(d, 2)) --> expect: 3\ttrue\ttrue\tbottom
log(pcall(function() local t = {} t() end)) --> expect: 2\tfalse\tmetamethods_enter.lua:113: attempt to call a table value (local 't')
log(pcall(function() local t = setmetatable({}, { __call = 1 }) t() end)) --> expect: 2\tfalse\tmetamethods_enter.lua:114: attempt to call a table value (local 't')
for v in setmetatable({}, { __call = function(self, s, i) i = (i or 0) + 1 return i <= 2 and i or nil end }) do log(v) end --> expect: 1\t1 --> expect: 1\t2
log((coroutine.wrap(function() return c(coroutine.yield(1)) end)())) --> expect: 1\t1
local co = coroutine.wrap(function() return (a + 1), c(4) end)
mt.__add = function(x, y) return coroutine.yield("in add") end
log(co(), select(2, co("back")) == c) --> expect: 2\tin add\ttrue
-- Closing upvalues on return, open ones of several levels, and results that are captured.
local function make(n)
  local x, y = n, n + 1
  local f, g = function() x = x + 1 return x end, function() return x + y end
  if n > 5 then return f, g, x end
  return f, g
end
local f, g, h = make(1)
log(f(), g(), h) --> expect: 3\t2\t4\tnil
f, g, h = make(6)
log(f(), f(), g(), h) --> expect: 4\t7\t8\t15\t6
local list = {}
for i = 1, 3 do local v = i * 10 list[i] = function() v = v + i return v end if i == 3 then break end end
log(list[1](), list[1](), list[2](), list[3]()) --> expect: 4\t11\t12\t22\t33
local function nested() local v = 1 local function inner() local w = v + 1 return function() v = v + 1 return v + w end end return inner()  end
log(nested()()) --> expect: 1\t4
log((pcall(function() local v = 7 local k = function() return v end error(k, 0) end))) --> expect: 1\tfalse
log(select(2, pcall(function() local v = 7 error(function() return v end, 0) end))()) --> expect: 1\t7
local function mixed(...) local v = ... local k = function() return v end return k, ... end
local k, m, o = mixed(4, 5)
log(k(), m, o) --> expect: 3\t4\t4\t5
