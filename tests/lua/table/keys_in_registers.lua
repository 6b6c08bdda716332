-- Items whose keys are objects, floats or constants that are not in the array part: found, absent, inherited, removed.
local function get(t, k) return t[k] end
local function first(t) return t[1] end
local function third(t) return t[3] end

local function f() end
local co = coroutine.create(f)
local objects = {{}, f, print, co, io.stdout, string.gmatch("a", "a"), true, false, ("long"):rep(20)}
for _, size in ipairs {0, 3, 40, 5000} do
  local t = {}
  for i = 1, size do t[{}] = i t[i + 0.5] = -i end
  for i, o in ipairs(objects) do t[o] = i end
  local sum = 0
  for i, o in ipairs(objects) do if get(t, o) == i then sum = sum + 1 end end
  if get(t, {}) or get(t, coroutine.create(f)) or get(t, function() return t end) then sum = -1 end
  local floats = 0
  for i = 1, size do floats = floats + get(t, i + 0.5) end
  print(sum, floats, get(t, 0.25), get(t, 0/0), get(t, 1/0), get(t, -1/0), get(t, 1e300), get(t, nil))
--> expect: 9\t0\tnil\tnil\tnil\tnil\tnil\tnil
--> expect: 9\t-6\tnil\tnil\tnil\tnil\tnil\tnil
--> expect: 9\t-820\tnil\tnil\tnil\tnil\tnil\tnil
--> expect: 9\t-12502500\tnil\tnil\tnil\tnil\tnil\tnil
  for _, o in ipairs(objects) do t[o] = nil if get(t, o) ~= nil then print("left", o) end end
end

-- Floats that equal integers are these, and both zeros are one key.
local t = {10, 20, 30, [2^53] = "big", [-7] = "minus", [0] = "zero", [1e15] = "15", [2^63] = "float"}
print(get(t, 1.0), get(t, 3.0), get(t, 2^53), get(t, -7.0), get(t, -0.0), get(t, 1e15), get(t, 2^63), get(t, -2^63)) --> expect: 10\t30\tbig\tminus\tzero\t15\tfloat\tnil
t[1e300] = "huge" t[-1/0] = "inf" t[2^52 + 0.5] = "half"
print(get(t, 1e300), get(t, -1/0), get(t, 1/0), get(t, 2^52 + 0.5)) --> expect: huge\tinf\tnil\thalf

-- Constants: no parts, only nodes, a hole, an item that has gone.
print(first({}), third({}), first({x = 1}), first({[1] = "node"}), third({1, 2}), third({1, nil, 3}), third({1, 2, nil, 4})) --> expect: nil\tnil\tnil\tnode\tnil\t3\tnil
local gone = {1, 2, 3} gone[3] = nil
print(third(gone), first(gone)) --> expect: nil\t1

-- What is absent is inherited, from the moment on that there is something to inherit from.
local mt = {}
local object, key = setmetatable({}, mt), {}
for _ = 1, 3 do if get(object, key) ~= nil or first(object) ~= nil or get(object, 0.5) ~= nil then print("not nil") end end
mt.__index = {[key] = "by table", "first", [0.5] = "half"}
print(get(object, key), first(object), third(object), get(object, 0.5)) --> expect: by table\tfirst\tnil\thalf
mt.__index = function(_, k) return type(k) end
print(get(object, key), first(object), get(object, 0.5), get(object, 2^60)) --> expect: table\tnumber\tnumber\tnumber
mt.__index = nil
print(get(object, key), first(object), get(object, 0.5)) --> expect: nil\tnil\tnil

-- What is no table.
print(pcall(get, nil, key)) --> expect: false\tkeys_in_registers.lua:2: attempt to index a nil value (local 't')
print(pcall(first, 5)) --> expect: false\tkeys_in_registers.lua:3: attempt to index a number value (local 't')
print(first("text"), get("text", key), get("text", 0.5)) --> expect: nil\tnil\tnil
