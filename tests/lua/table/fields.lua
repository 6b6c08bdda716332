-- Fields at the same place in the code, of tables of different shapes.
local function get(t) return t.f end
local function set(t, v) t.f = v end
local function at(t, k) return t[k] end
local function put(t, k, v) t[k] = v end

-- Own fields at different places among the nodes, in large and small tables.
local shapes = {}
for n = 0, 300, 7 do
  local t = {}
  for i = 1, n do t["x" .. i] = i end
  t.f = n
  shapes[#shapes + 1] = t
end
for round = 1, 3 do
  local sum = 0
  for i = 1, #shapes do
    sum = sum + get(shapes[i]) + at(shapes[i], "f")
    set(shapes[i], get(shapes[i]) + 1)
    put(shapes[i], "f", get(shapes[i]) + 1)
  end
  print(sum) --> expect: 12642 --> expect: 12814 --> expect: 12986
end

-- Absent, and set to nil, with and without metatables.
local e = {}
print(get(e), at(e, "f"), at(e, 1), at(e, 1.5), at(e, {}), at(e, "a long string that is no short one, as it has many letters")) --> expect: nil\tnil\tnil\tnil\tnil\tnil
set(e, nil) print(get(e), next(e)) --> expect: nil\tnil
set(e, 1) set(e, nil) print(get(e), at(e, "f")) --> expect: nil\tnil
set(e, 2) print(get(e)) --> expect: 2
put(e, "f", nil) put(e, "f", 3) print(get(e)) --> expect: 3

-- Inherited, one and several steps up; found earlier when a table on the way gets the field.
local A = {f = "A"} A.__index = A
local B = setmetatable({}, A) B.__index = B
local C = setmetatable({}, B) C.__index = C
local o = setmetatable({}, C)
print(get(o), at(o, "f"), get(o), get(A)) --> expect: A\tA\tA\tA
C.f = "C" print(get(o), at(o, "f")) --> expect: C\tC
C.f = nil B.f = "B" print(get(o), at(o, "f")) --> expect: B\tB
o.f = "o" print(get(o), at(o, "f")) --> expect: o\to
o.f = nil print(get(o)) --> expect: B
B.f = nil print(get(o)) --> expect: A
A.f = nil print(get(o), at(o, "f")) --> expect: nil\tnil
A.__index = nil A.f = "hidden" print(get(o)) --> expect: nil
A.__index = function(_, k) return "called " .. k end print(get(o), at(o, "f")) --> expect: called f\tcalled f
A.__index = A print(get(o)) --> expect: hidden

-- The metamethod appears after it was found missing, and where a nil was stored before.
local m = {} local n = setmetatable({}, m)
print(get(n)) m.__index = nil print(get(n)) m.__index = {f = "now"} print(get(n)) --> expect: nil --> expect: nil --> expect: now
m.__index = nil print(get(n)) m.__index = {f = "again"} print(get(n)) --> expect: nil --> expect: again
local w = {} local v = setmetatable({}, w)
set(v, 1) set(v, nil)
w.__newindex = function(t, k, x) rawset(t, k, x .. "!") end
set(v, "seen") print(get(v)) set(v, "direct") print(get(v)) --> expect: seen! --> expect: direct
set(v, nil) put(v, "f", "again") print(get(v)) --> expect: again!
w.__newindex = nil set(v, nil) set(v, "plain") print(get(v)) --> expect: plain

-- Methods of strings, and of values without any.
local function call(x) return x:rep(2) end
print(call("ab"), call(setmetatable({}, {__index = {rep = function(_, k) return k end}})), call("c")) --> expect: abab\t2\tcc
print(pcall(call, 1)) print(pcall(call, nil)) print(pcall(call, {})) --> expect: false\tfields.lua:61: attempt to index a number value (local 'x') --> expect: false\tfields.lua:61: attempt to index a nil value (local 'x') --> expect: false\tfields.lua:61: attempt to call a nil value (method 'rep')
print(pcall(function(s) return s:nothing() end, "x")) --> expect: false\tfields.lua:64: attempt to call a nil value (method 'nothing')
print(pcall(function(s) return s.nothing end, "x")) --> expect: true\tnil
print(pcall(function(b) return b.f end, true)) --> expect: false\tfields.lua:66: attempt to index a boolean value (local 'b')
print(select(2, pcall(get, nil))) --> expect: fields.lua:2: attempt to index a nil value (local 't')

-- Chains that never end, and long ones that do.
local loop = {} setmetatable(loop, {__index = loop}) print(pcall(get, loop)) --> expect: false\tfields.lua:2: '__index' chain too long; possible loop
local last = {f = "found"}
for i = 1, 100 do last = setmetatable({}, {__index = last}) end
print(get(last), at(last, "f"), last.g) --> expect: found\tfound\tnil

-- New fields of old tables keep their values alive.
local old = {}
collectgarbage() collectgarbage()
for i = 1, 200 do
  put(old, "k" .. i, {i}) set(old, {i})
  old["n" .. i] = nil
  collectgarbage("step", 1)
end
collectgarbage()
for i = 1, 200 do assert(old["k" .. i][1] == i) end
print(get(old)[1]) --> expect: 200

-- Integer keys outside the array part.
local s = {}
for i = -50, 50 do put(s, i * 1000, i) end
for i = -50, 50 do assert(at(s, i * 1000) == i and at(s, i * 1000.0) == i and at(s, i * 1000 + 1) == nil) end
for i = -50, 50 do put(s, i * 1000, nil) end
print(next(s), at(s, 0)) --> expect: nil\tnil
local d = setmetatable({}, {__index = function(_, k) return -k end})
print(at(d, 7), at(d, 7.0), d[0], at(d, math.mininteger)) --> expect: -7\t-7.0\t0\t-9223372036854775808
