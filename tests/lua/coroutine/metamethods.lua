-- Every operation that can call a metamethod, in each of the forms that instructions have, run without yields, with yields in
-- each metamethod, and with an error in each one, before or after a yield. What is printed is the run without yields: the
-- calls in their order, and the results. Whatever differs in the other runs is printed too.
local pack, unpack, concat, resume = table.pack, table.unpack, table.concat, coroutine.resume

local trace, yielding, failing
local yields = 0

local function show(v) return type(v) == "table" and "obj" or tostring(v) end

-- Notes a call of a metamethod and returns its results.
local function callback(what, ...)
  trace[#trace + 1] = what
  local fails = #trace == failing
  if yielding then
    coroutine.yield()
    coroutine.yield("second", what)
    yields = yields + 3
    if fails then coroutine.yield() error("failed in " .. what, 0) end
    return coroutine.yield(...)
  end
  if fails then error("failed in " .. what, 0) end
  return ...
end

local function run(f)
  trace = {}
  local co = coroutine.create(f)
  local results = pack(resume(co))
  while coroutine.status(co) == "suspended" do
    collectgarbage()
    results = pack(resume(co, unpack(results, 2, results.n)))
  end
  for i = 1, results.n do results[i] = show(results[i]) end
  return concat(trace, " ") .. " -> " .. concat(results, " ", 1, results.n), #trace
end

local function compare(name, ways, expected)
  yielding = true
  local got = run(ways)
  if got ~= expected then print(name .. " differs: " .. got .. " instead of " .. expected) end
  yielding = false
end

local function test(name, f)
  yielding, failing = false, nil
  local expected, count = run(f)
  print(name .. ": " .. expected)
  compare(name, f, expected)
  for i = 1, count do
    failing = i
    for _, way in ipairs { f, function() return pcall(f) end, function() return (f()) end } do
      compare(name .. " failing", way, (run(way)))
    end
  end
  failing = nil
end

local mt = {}
for _, event in ipairs { "add", "sub", "mul", "mod", "pow", "div", "idiv", "band", "bor", "bxor", "shl", "shr", "concat" } do
  mt["__" .. event] = function(a, b) return callback(event, show(a) .. event .. show(b), "dropped") end
end
mt.__unm = function(a, b) return callback("unm", rawequal(a, b)) end
mt.__bnot = function(a, b) return callback("bnot", rawequal(a, b)) end
mt.__len = function(a) return callback("len", 7, "dropped") end
mt.__eq = function(a, b) return callback("eq", "true") end
mt.__lt = function(a, b) return callback("lt", show(a) .. show(b)) end
mt.__le = function(a, b) return callback("le", nil) end
mt.__index = function(t, k) return callback("get " .. show(k), k, "dropped") end
mt.__newindex = function(t, k, v) callback("set " .. show(k)) end
mt.__call = function(self, ...) return callback("call " .. select("#", ...), ...) end
local function new() return setmetatable({}, mt) end
local a, b = new(), new()
local up = a -- for closures

test("arithmetic of registers", function() return a + b, a - b, a * b, a % b, a ^ b, a / b, a // b end) --> expect: arithmetic of registers: add sub mul mod pow div idiv -> true objaddobj objsubobj objmulobj objmodobj objpowobj objdivobj objidivobj
test("arithmetic with constants", function() return a + 2, a - 2, a * 2.5, a % 3, a ^ 2, a / 4, a // 5 end) --> expect: arithmetic with constants: add sub mul mod pow div idiv -> true objadd2 objsub2 objmul2.5 objmod3 objpow2 objdiv4 objidiv5
test("constants with objects", function() return 2 + a, 2 - a, 2.5 * a, 3 % a, 2 ^ a, 4 / a, 5 // a end) --> expect: constants with objects: add sub mul mod pow div idiv -> true 2addobj 2subobj 2.5mulobj 3modobj 2powobj 4divobj 5idivobj
test("large constants", function() return a + 5000000000, 5000000000 - a, a * 1e300, "2" + a, a .. "" end) --> expect: large constants: add sub mul add concat -> true objadd5000000000 5000000000subobj objmul1e+300 2addobj objconcat
test("bits of registers", function() return a & b, a | b, a ~ b, a << b, a >> b end) --> expect: bits of registers: band bor bxor shl shr -> true objbandobj objborobj objbxorobj objshlobj objshrobj
test("bits with constants", function() return a & 1, 2 | a, a ~ 3, a << 4, 5 >> a, 1 << a, a >> 1 end) --> expect: bits with constants: band bor bxor shl shr shl shr -> true objband1 2borobj objbxor3 objshl4 5shrobj 1shlobj objshr1
test("one operand", function() return -a, ~a, #a, not a end) --> expect: one operand: unm bnot len -> true true true 7 false
test("operands that are computed", function() return (a + 1) .. (b - 1) .. #a end) --> expect: operands that are computed: add sub len -> true objadd1objsub17
test("into the operand itself", function() local x = a x = x + 1 local y = b y = -y return x, y end) --> expect: into the operand itself: add unm -> true objadd1 true
test("concatenation", function() return a .. "x", "x" .. a, a .. b, 1 .. a end) --> expect: concatenation: concat concat concat concat -> true objconcatx xconcatobj objconcatobj 1concatobj
test("concatenation of many", function() return "x" .. a .. "y", 1 .. 2 .. a .. 3 .. 4, "l" .. "r" .. b end) --> expect: concatenation of many: concat concat concat -> true xobjconcaty 12objconcat34 lrconcatobj
test("concatenation of objects", function() return a .. b .. a .. "z" .. b end) --> expect: concatenation of objects: concat concat concat concat -> true objconcatobjconcatobjconcatzconcatobj
test("equality", function() return a == b, a ~= b, a == a, a == 1, "x" ~= a end) --> expect: equality: eq eq -> true true false true false true
test("equality in conditions", function() --> expect: equality in conditions: eq eq eq eq eq eq -> true 13 and or
  local s = ""
  if a == b then s = s .. "1" end
  if a ~= b then s = s .. "2" else s = s .. "3" end
  if not (a == b) then s = s .. "4" end
  while a ~= b do s = s .. "5" end
  return s, a == b and "and", a ~= b or "or"
end)
test("order", function() return a < b, a <= b, a > b, a >= b end) --> expect: order: lt le lt le -> true true false true false
test("order with numbers", function() return a < 1, a <= 1, a > 1, a >= 1, 1 < a, 1 <= a, 1 > a, 1 >= a, a < 1.5, 1e300 > a end) --> expect: order with numbers: lt le lt le lt le lt le lt lt -> true true false true false true false true false true true
test("order in conditions", function() --> expect: order in conditions: lt le lt le lt lt -> true 110101
  local n = 0
  if a < b then n = n + 1 end
  if a <= b then n = n + 10 else n = n + 100 end
  if not (a > 5) then n = n + 1000 end
  if a >= 5 or a < 5 then n = n + 10000 end
  repeat n = n + 100000 until a < b
  return n
end)
local old = setmetatable({}, { __lt = function(x, y) return callback("lt for le", false) end })
test("order by the other operation", function() return old <= old, old >= a, (old <= old) == true end) --> expect: order by the other operation: lt for le le lt for le -> true true false true
test("order by the other operation in conditions", function() --> expect: order by the other operation in conditions: lt for le -> true then
  if old <= 3 then return "then" else return "else" end
end)
test("fields", function() return a.x, a[1], a[1.5], a[true], a[b], a["a long name, longer than short strings are, by far"] end) --> expect: fields: get x get 1 get 1.5 get true get obj get a long name, longer than short strings are, by far -> true x 1 1.5 true obj a long name, longer than short strings are, by far
test("fields by registers", function() local k, i, x = "key", 3, 2.5 return a[k], a[i], a[x] end) --> expect: fields by registers: get key get 3 get 2.5 -> true key 3 2.5
test("fields of upvalues", function() return (function() local k = "key" return up.x, up[k], up[2] end)() end) --> expect: fields of upvalues: get x get key get 2 -> true x key 2
test("globals", function() --> expect: globals: set name get name get name get other -> true name name other
  local _ENV = setmetatable({}, mt)
  name = 1
  local f = function() return name, other end
  return name, f()
end)
test("methods", function() --> expect: methods: get method get method -> true true true
  local o = setmetatable({}, { __index = function(t, k) return callback("get " .. k, function(self, x) return self == t, x end) end })
  return o:method(3), (o:method(4))
end)
test("methods of strings", function() --> expect: methods of strings: get twice get twice -> true st uv
  local string_mt = getmetatable("")
  local index = string_mt.__index
  string_mt.__index = function(s, k) return callback("get " .. k, function(self, x) return self .. x end) end
  local ok, x, y = pcall(function() return ("s"):twice("t"), ("s").twice("u", "v") end)
  string_mt.__index = index
  if not ok then error(x, 0) end
  return x, y
end)
test("fields by chains", function() --> expect: fields by chains: get there get 9 -> true 1 there 9
  local t = setmetatable({}, { __index = setmetatable({ here = 1 }, { __index = setmetatable({}, mt) }) })
  return t.here, t.there, t[9]
end)
test("assignments", function() --> expect: assignments: set obj set true set 1.5 set 3 set key set 1 set x get x get 1 set 2 set y set z -> true nil
  local t, k, i = new(), "key", 3
  t.x, t[1], t[k], t[i], t[1.5], t[true], t[t] = 1, 2, 3, 4, 5, 6, 7
  t.y, t[2] = t.x, t[1]
  t.z = nil
  return next(t)
end)
test("assignments to upvalues", function() --> expect: assignments to upvalues: set 2 set key set x -> true nil
  (function() local k = "key" up.x, up[k], up[2] = 1, 2, 3 end)()
  return next(up)
end)
test("assignments by chains", function() --> expect: assignments by chains: set 1 set x -> true nil
  local t = setmetatable({}, { __newindex = setmetatable({}, { __newindex = function(t, k, v) callback("set " .. k) rawset(t, k, v) end }) })
  t.x, t[1] = 1, 2
  return next(t)
end)
test("calls", function() return a(), a(1, 2), (a(3, 4)), select("#", a(5, nil, nil)) end) --> expect: calls: call 0 call 2 call 2 call 3 -> true nil 1 3 3
test("calls of objects that are called by objects", function() --> expect: calls of objects that are called by objects:  -> false metamethods.lua:158: attempt to call a table value (local 't')
  local t = setmetatable({}, { __call = a })
  return select("#", t(1, 2)), (t(3))
end)
test("statements", function() a() a(1) b() return "end" end) --> expect: statements: call 0 call 1 call 0 -> true end
test("tail calls", function() return a(1, 2, 3) end) --> expect: tail calls: call 3 -> true 1 2 3
test("calls with all results", function() return a(a(1, 2)), { a(1, 2, 3) }, #{ a(1, 2, 3) } end) --> expect: calls with all results: call 2 call 2 call 3 call 3 -> true 1 obj 3
test("iterators", function() --> expect: iterators: step1 step2 step3 step4 -> true 14
  local n = 0
  local iterator = setmetatable({}, { __call = function(_, _, i) i = (i or 0) + 1 return callback("step" .. i, i < 4 and i or nil, i * i) end })
  for i, square in iterator do n = n + square end
  return n
end)
test("iterators with all kinds of bodies", function() --> expect: iterators with all kinds of bodies: step1 step2 step3 step4 step1 -> true 261
  local s = ""
  local iterator = function(_, i) i = (i or 0) + 1 return callback("step" .. i, i < 4 and i or nil) end
  for i in iterator do
    if i == 2 then goto continue end
    local f = function() return i end
    s = s .. f() + i
    ::continue::
  end
  for i in iterator do s = s .. i break end
  return s
end)
test("metamethods in metamethods", function() --> expect: metamethods in metamethods: lt concat outer lt concat outer -> true objconcat1 true objconcat2
  local outer = setmetatable({}, { __add = function(x, y) return callback("outer", (a < b) and (a .. y) or -a) end })
  return outer + 1, pcall(function() return outer + 2 end)
end)
test("metamethods that are objects", function() --> expect: metamethods that are objects: call 2 get x length -> true 1 x 3
  local o = setmetatable({}, { __add = a, __index = b, __len = setmetatable({}, { __call = function() return callback("length", 3) end }) })
  return select("#", o + 1), o.x, #o
end)
test("in protected calls", function() --> expect: in protected calls: add concat lt eq -> true true objadd1 objconcat2 true true
  return pcall(function() return a + 1, a .. 2, a < 3, a == b end)
end)
test("in protected calls with a handler", function() --> expect: in protected calls with a handler: add concat -> true false objconcatx!
  return xpcall(function() return a + 1 .. error(a .. "x", 0) end, function(m) return m .. "!" end)
end)
test("in coroutines within", function() --> expect: in coroutines within: add concat lt -> true objadd1 objconcat1 true
  local co = coroutine.wrap(function() local x = yielding yielding = false local r = pack(a + 1, a .. 1, a < 1) yielding = x return unpack(r, 1, r.n) end)
  return co()
end)
print(yields > 5000) --> expect: true
