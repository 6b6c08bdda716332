-- Manual §2.4: metamethods.
local log = {}
local mt = {}
local function new(v) return setmetatable({ v = v }, mt) end
local function show(x) return type(x) == "table" and "<" .. tostring(rawget(x, "v")) .. ">" or tostring(x) end
for _, event in ipairs { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat" } do
  mt["__" .. event] = function(a, b) return event .. "(" .. show(a) .. "," .. show(b) .. ")" end
end
mt.__unm = function(a, b) return "unm(" .. show(a) .. "," .. show(b) .. ")" end
mt.__bnot = function(a) return "bnot(" .. show(a) .. ")" end
mt.__len = function(a) return "len(" .. show(a) .. ")" end
mt.__eq = function(a, b) return a.v == b.v end
mt.__lt = function(a, b) return show(a) < show(b) end
mt.__le = function(a, b) return show(a) <= show(b) end
mt.__call = function(self, ...) return "call", self.v, ... end
mt.__tostring = function(self) return "object " .. self.v end
mt.__index = function(t, k) return k .. "?" end
mt.__newindex = function(t, k, v) rawset(t, k, v .. "!") end
local a, b = new(1), new(2)
print(a + b, a + 1, 1 + a, "x" - a, a * 2.5, a / b, a % 3, a ^ b, a // 1) --> expect: add(<1>,<2>)\tadd(<1>,1)\tadd(1,<1>)\tsub(x,<1>)\tmul(<1>,2.5)\tdiv(<1>,<2>)\tmod(<1>,3)\tpow(<1>,<2>)\tidiv(<1>,1)
print(a & 1, 1 | a, a ~ b, a << 1, 1 >> a, ~a, -a, #a) --> expect: band(<1>,1)\tbor(1,<1>)\tbxor(<1>,<2>)\tshl(<1>,1)\tshr(1,<1>)\tbnot(<1>)\tunm(<1>,<1>)\tlen(<1>)
print(a .. b, a .. "s", "s" .. a, 1 .. a, a .. 1 .. 2) --> expect: concat(<1>,<2>)\tconcat(<1>,s)\tconcat(s,<1>)\tconcat(1,<1>)\tconcat(<1>,12)
print(a == b, a == new(1), a ~= b, a < b, a <= b, a > b, a >= b, a == 1) --> expect: false\ttrue\ttrue\ttrue\ttrue\tfalse\tfalse\tfalse
print(a(10, 20)) --> expect: call\t1\t10\t20
print(tostring(a), a.missing) --> expect: object 1\tmissing?
a.field = "value"
print(a.field, rawget(a, "field"), rawlen(a), rawequal(a, new(1))) --> expect: value!\tvalue!\t0\tfalse
-- chains of tables
local base = { greet = function(self) return "hello " .. self.name end }
base.__index = base
local derived = setmetatable({}, base)
derived.__index = derived
print(setmetatable({ name = "x" }, derived):greet()) --> expect: hello x
local store = {}
local proxy = setmetatable({}, { __index = store, __newindex = store })
proxy.k = 1
print(rawget(proxy, "k"), store.k, proxy.k) --> expect: nil\t1\t1
-- protection
local protected = setmetatable({}, { __metatable = "locked" })
print(getmetatable(protected), pcall(setmetatable, protected, {})) --> expect: locked\tfalse\tcannot change a protected metatable
print(getmetatable("").__index == string, ("x"):upper()) --> expect: true\tX
-- __pairs, __name, __mode are elsewhere; errors
print(pcall(function() return a + nil .. {} end)) --> expect: false\tmetatables.lua:43: attempt to concatenate a table value
print(pcall(function() return setmetatable({}, { __index = function() error("in index", 0) end }).x end)) --> expect: false\tin index
local loop = {}
setmetatable(loop, { __index = loop })
print(pcall(function() return loop.x end)) --> expect: false\tmetatables.lua:47: '__index' chain too long; possible loop
print(pcall(setmetatable, 1, {})) --> expect: false\tbad argument #1 to 'setmetatable' (table expected, got number)
print(pcall(setmetatable, {}, 1)) --> expect: false\tbad argument #2 to 'setmetatable' (nil or table expected)
