-- Every instruction at least twenty thousand times, within one stay in the interpreter's loop: a handler that took stack of the host
-- each time would need far more than the thread of `small_stack.rs` has. The loops of 20,000 are for the ways through the
-- handlers, the long ones below for the sheer number of instructions.
local N = 20000
local create, resume, yield, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.wrap

local Meta = {}
local function value(n) return setmetatable({n = n}, Meta) end
local function number(v) return type(v) == "table" and rawget(v, "n") or v end
for _, name in ipairs {"add", "sub", "mul", "mod", "pow", "div", "idiv", "band", "bor", "bxor", "shl", "shr", "unm", "bnot", "concat"} do
  Meta["__" .. name] = function(a) return number(a) end
end
Meta.__eq = function(a, b) return rawequal(a, b) end
Meta.__lt = function(a, b) return number(a) < number(b) end
Meta.__le = function(a, b) return number(a) <= number(b) end
Meta.__len = function() return 1 end
Meta.__call = function(self, x) return x end
Meta.__index = function(_, k) return rawget(Meta, k) or k end
Meta.__newindex = function(t, k, v) rawset(Meta, "last", v) end

-- Operands of the fast ways, of numbers as strings where these are taken, and with metamethods.
local function operators()
  local object, sum = value(3), 0
  for _, x in ipairs {7, 7.5, "7", object} do
    local whole = x == 7.5 and 8.0 or x
    for i = 1, N do
      local y = i & 1 == 0 and 3 or 2.0
      local r = x + y; r = x - y; r = x * y; r = x % y; r = x ^ y; r = x / y; r = x // y
      r = x + 1; r = x + 2.5; r = x - 2.5; r = x * 3; r = x % 3; r = x ^ 2; r = x / 2; r = x // 2
      r = 10 - x; r = 10 / x; r = 1000 + x; r = -x
      r = x + 100000; r = x - 100000; r = x * 100000; r = x % 100000; r = x // 100000; r = x / 100000
      r = x * 2.5; r = x % 2.5; r = x // 2.5; r = x / 2.5; r = x ^ 2.5; r = 2.5 - x; r = 2.5 / x; r = 2.5 ^ x; r = 2 ^ x
      local j = i & 3
      r = whole & j; r = whole | j; r = whole ~ j; r = whole << j; r = whole >> j; r = ~whole
      r = whole & 6; r = whole | 6; r = whole ~ 6; r = whole << 2; r = whole >> 2; r = 1 << whole
      r = whole & 100000; r = whole | 100000; r = whole ~ 100000; r = whole << 100000; r = whole >> 100000; r = whole << 2.0
      r = x .. "end"
      sum = sum + y
    end
  end
  return sum
end

local function comparisons()
  local object, other, count = value(3), value(4), 0
  for _, pair in ipairs {{1, 2}, {1.5, 2}, {"a", "b"}, {object, other}} do
    local a, b = pair[1], pair[2]
    for _ = 1, N do
      if a < b then count = count + 1 end
      if a <= b then count = count + 1 end
      if a == b then count = count - 1 end
      local both = a and b
      local either = a or b
      local less, equal = a < b, not (a ~= b)
    end
  end
  for _, x in ipairs {1, 1.5, 9} do
    for i = 1, N do
      if x < 5 then count = count + 1 end
      if x <= 5 then count = count + 1 end
      if x > 5 then count = count + 1 end
      if x >= 5 then count = count + 1 end
      if x == 9 then count = count + 1 end
      if x == 1.5 then count = count + 1 end
      if x == "x" then count = count + 1 end
      local no = not x
      if no or x ~= x then count = count + 1 end
    end
  end
  -- The other sense of each: the jump is taken if the comparison holds.
  for _, x in ipairs {1, 1.5, 9, "x", object, false} do
    local n = tonumber(x) or 3
    for i = 1, N do
      local a, b = n < 5 or i, n <= 5 or i
      a, b = n > 5 or i, n >= 5 or i
      a, b = n < i or i, n <= i or i
      a, b = x == 9 or i, x == 1.5 or i
      a, b = x == "x" or i, x == nil or i
      a, b = x == i or i, x or i
      a, b = x == true or i, x ~= nil and i
      repeat local done = not x or n ~= i + 1 until done or x
      if x == nil or x == false then count = count + 1 end
      if x ~= "x" and n ~= 9 and x ~= 1.5 and x ~= true then count = count + 1 end
      while not x and n == 9 do n = 8 end
    end
  end
  for i = 1, N do
    if object < 5 then count = count + 1 end
    if object >= 5 then count = count + 1 end
  end
  return count
end

function Meta.method(self, x) return x end
shared = 0
local captured = 0

local function tables()
  local object, key, t = value(1), "key", {}
  local heir = setmetatable({}, {__index = setmetatable({}, {__index = Meta})})
  for i = 1, N do
    t[i] = i; t[i] = "text"; t[1] = i; t[1] = "one"; t.field = i; t.field = 5; t[key] = i; t[-i] = i; t[i + 0.5] = nil
    local x = t[i]; x = t[1]; x = t.field; x = t[key]; x = t.missing; x = t[-1]; x = #t; x = heir.method
    shared = i; shared = 1; shared = "s"; captured = i; x = captured; x = shared
    object.some = i; object[i] = i; object[2] = 5; object.some = "k"; x = object.some; x = object[i]; x = object[2]
    x = object:method(i); x = heir:method(i); x = ("text"):len(); x = #"text"; x = #object; x = object(i)
    local made = {}; made = {1, 2, 3; x = 1}; made = {table.unpack(made)}
  end
  return #t
end

local function loads(...)
  for i = 1, N do
    local a, b, c = nil, true, false
    local f, k, s = 1.0, 1e300, "s"
    a = b; a, b = b, a
    local d = i == 3
    local p, q = ...
    local all = select("#", ...)
    local list = {...}
    do local open = i; local g = function() open = open + 1; return open end; g() end
    if i == N then goto done end
    ::done::
  end
end

local function calls()
  local function nothing() end
  local function one(x) return x end
  local function several(x, ...) return x, ... end
  local function closes(x) local f = function() return x end; return f, f end
  local function tail(n) if n > 0 then return tail(n - 1) end return several(n, 1, 2) end
  local function fails() error("no") end
  local function deep(n) return n > 0 and 1 + deep(n - 1) or 0 end
  tail(N)
  for i = 1, N do
    nothing(); nothing(i, i); one(); one(i, i); several(); several(i, i, i); several(several(i, i)); closes(i)
    math.max(i, 2); pcall(one, i); pcall(fails); pcall(error); xpcall(fails, one); select(2, pcall(pcall, fails))
    local number = tonumber("1"); string.rep("x", 2)
    local ok = pcall(function() return nothing.x end)
  end
  for _ = 1, 20 do deep(2000) end
  for k, v in pairs({}) do end
  local list = {}
  for i = 1, N do list[i] = (i * 7919) % N end
  local seen = 0
  for k, v in pairs(list) do seen = seen + 1 end
  for i, v in ipairs(list) do seen = seen + 1 end
  for i, v in next, list do seen = seen + 1 end
  for i in function(_, i) i = (i or 0) + 1; if i < N then return i end end do seen = seen + 1 end
  for _ in wrap(function() for i = 1, N do yield(i) end end) do seen = seen + 1 end
  for i = N, 1, -1 do seen = seen + 1 end
  for i = 1.0, N do seen = seen + 1 end
  for _ = 1, N do for _ = 1, 1 do end for _ = 2, 1 do end end
  table.sort(list, function(a, b) return a < b end)
  ;("x"):rep(N):gsub("x", function() seen = seen + 1 end)
  return seen
end

local function coroutines()
  local sum = 0
  local co = create(function(...) local x = ... while true do x = yield(x) end end)
  local inner = wrap(function() while true do pcall(yield, 1) end end)
  local outer = wrap(function() while true do yield(inner()) end end)
  local inside = setmetatable({}, {__index = function(_, k) return yield(k) end, __add = function(a, b) return yield(b) end})
  local meta = wrap(function() while true do local x = inside[1] + (inside + 2) end end)
  local sorts = wrap(function() while true do table.sort({3, 2, 1}, function(a, b) yield(0) return a < b end) end end)
  for i = 1, N do
    local _, x = resume(co, i)
    sum = sum + x + outer()
    meta(i)
    pcall(sorts)
    sorts = coroutine.status(co) == "suspended" and wrap(function() yield(1) error("no") end) or sorts
    sorts()
    pcall(sorts)
    resume(create(function() end))
    resume(create(error))
  end
  return sum
end

local function long(n)
  local t, sum = {x = 1}, 0
  local function add(a, b) return a + b end
  for i = 1, n do
    t.x = t.x + 1
    sum = add(sum, t.x % 3)
    if sum > 100 then sum = sum - 100 end
  end
  return sum
end

operators()
comparisons()
tables()
loads(1, 2, 3)
calls()
coroutines()
return long(600000)
