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
print(a + b, a + 1, 1 + a, "x" - a, a * 2.5, a / b, a % 3, a ^ b, a // 1)
print(a & 1, 1 | a, a ~ b, a << 1, 1 >> a, ~a, -a, #a)
print(a .. b, a .. "s", "s" .. a, 1 .. a, a .. 1 .. 2)
print(a == b, a == new(1), a ~= b, a < b, a <= b, a > b, a >= b, a == 1)
print(a(10, 20))
print(tostring(a), a.missing)
a.field = "value"
print(a.field, rawget(a, "field"), rawlen(a), rawequal(a, new(1)))
-- chains of tables
local base = { greet = function(self) return "hello " .. self.name end }
base.__index = base
local derived = setmetatable({}, base)
derived.__index = derived
print(setmetatable({ name = "x" }, derived):greet())
local store = {}
local proxy = setmetatable({}, { __index = store, __newindex = store })
proxy.k = 1
print(rawget(proxy, "k"), store.k, proxy.k)
-- protection
local protected = setmetatable({}, { __metatable = "locked" })
print(getmetatable(protected), pcall(setmetatable, protected, {}))
print(getmetatable("").__index == string, ("x"):upper())
-- __pairs, __name, __mode are elsewhere; errors
print(pcall(function() return a + nil .. {} end))
print(pcall(function() return setmetatable({}, { __index = function() error("in index", 0) end }).x end))
local loop = {}
setmetatable(loop, { __index = loop })
print(pcall(function() return loop.x end))
print(pcall(setmetatable, 1, {}))
print(pcall(setmetatable, {}, 1))
