-- What arrives is what was sent, copied. One process sends everything back.
local lproc = require "lproc"
lproc.start(function()
  while true do lproc.send("back", lproc.receive("there")) end
end)
local function copy(...)
  lproc.send("there", ...)
  return lproc.receive("back")
end

-- No values, nils, many values.
print(select("#", copy())) --> expect: 0
print(copy(nil)) --> expect: nil
print(select("#", copy(nil, nil, 1, nil))) --> expect: 4
print(copy(true, false)) --> expect: true\tfalse

-- Integers and floats stay what they are, to the bit.
print(copy(0, -1, math.maxinteger, math.mininteger)) --> expect: 0\t-1\t9223372036854775807\t-9223372036854775808
print(copy(1.0, -0.0, 1/0, -1/0, 0.1, 2^53)) --> expect: 1.0\t-0.0\tinf\t-inf\t0.1\t9.007199254741e+15
local nan = copy(0/0)
print(nan ~= nan, math.type(copy(3)), math.type(copy(3.0))) --> expect: true\tinteger\tfloat
for i = 0, 62 do assert(copy(1 << i) == 1 << i and copy(2.0 ^ -i) == 2.0 ^ -i) end

-- Strings of bytes, short and long.
print(copy("", "text", "a\0b") == "", #select(3, copy("", "text", "a\0b"))) --> expect: true\t3
for _, len in ipairs{1, 39, 40, 41, 63, 64, 65, 255, 256, 257, 70000} do
  local text = ("\0\255\128x"):rep(len):sub(1, len)
  assert(copy(text) == text)
end
local long = ("long"):rep(1000)
local a, b, t = copy(long, long, {long})
print(a == long, b == long, t[1] == long) --> expect: true\ttrue\ttrue

-- Light userdata (here a socket's, or whatever there is) have no literals; upvalue ids are some.
local light = debug.upvalueid(function() return lproc end, 1)
print(type(light), copy(light) == light) --> expect: userdata\ttrue

-- Tables: elements, fields, keys of all types, holes, nesting.
local t = copy{1, "two", {3}, nil, 5, x = 1.5, [true] = "yes", [2.5] = "half", [-1] = "minus", [light] = "light"}
print(t[1], t[2], t[3][1], t[4], t[5], t.x, t[true], t[2.5], t[-1], t[light])
--> expect: 1\ttwo\t3\tnil\t5\t1.5\tyes\thalf\tminus\tlight
print(next(copy{})) --> expect: nil

-- Shared and cyclic references, across all values of a message.
local shared = {}
local t = {shared, shared, inner = {shared}}
t.self, t[t], shared.back = t, t, t
local u, s = copy(t, shared)
print(u[1] == u[2], u[1] == u.inner[1], u[1] == s, u.self == u, u[u] == u, s.back == u, u ~= t)
--> expect: true\ttrue\ttrue\ttrue\ttrue\ttrue\ttrue

-- Metatables go along; classes work.
local Account = {}
Account.__index = Account
function Account:deposit(n) self.balance = self.balance + n return self end
function Account.__add(a, b) return setmetatable({balance = a.balance + b.balance}, Account) end
function Account:__tostring() return "account of " .. self.balance end
local one, two = setmetatable({balance = 1}, Account), setmetatable({balance = 2}, Account)
local one, two = copy(one, two)
print(tostring(one:deposit(10) + two), getmetatable(one) == getmetatable(two)) --> expect: account of 13\ttrue
print(getmetatable(one) ~= Account, getmetatable(one).__index == getmetatable(one)) --> expect: true\ttrue
local proxy = setmetatable({}, {__metatable = "locked", __index = function(_, k) return k .. "!" end})
local p = copy(proxy)
print(getmetatable(p), p.word) --> expect: locked\tword!
local weak = copy(setmetatable({{}, 1}, {__mode = "v"}))
collectgarbage()
print(weak[1], weak[2]) --> expect: nil\t1
-- What metamethods there are is not asked while a message is made.
local function fail() error "called" end
local trap = setmetatable({1}, {__index = fail, __newindex = fail, __len = fail, __pairs = fail, __eq = fail})
print(rawget(copy(trap), 1)) --> expect: 1

-- Libraries and globals stand for those of the receiver.
local function names(...) return string == (...) and _G == select(2, ...) and require "lproc" == select(3, ...) end
print(names(copy(string, _G, lproc))) --> expect: true
print(copy({lib = math}).lib == math) --> expect: true
