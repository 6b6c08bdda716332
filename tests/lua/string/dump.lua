-- string.dump (function [, strip]), manual §6.4
local function f(a, b) local c = a + b; return c * 2, "constant", 1.5, nil, true end
local copy = load(string.dump(f))
print(copy(1, 2)) --> expect: 6\tconstant\t1.5\tnil\ttrue
print(load(string.dump(f, true))(1, 2)) --> expect: 6\tconstant\t1.5\tnil\ttrue
print(string.dump(f):sub(1, 4) == "\27Lua", #string.dump(f) > #string.dump(f, true)) --> expect: true\ttrue
local function outer() return function(n) if n == 0 then return "done" end return outer and "up" or n end end
print(type(load(string.dump(outer))())) --> expect: function
print(pcall(string.dump, print))
--> expect: false\tunable to dump given function
--> expect: false\tbad argument #1 to 'string.dump' (function expected, got no value)
--> expect: 2\t4\t6
--> expect: false\tdump.lua:18: with line
--> expect: false\twithout line
print(pcall(string.dump)) --> expect: 0
local text = string.dump(load("local t = {...}; for i = 1, #t do t[i] = t[i] * 2 end return table.unpack(t)"))
print(load(text)(1, 2, 3)) --> expect: nil\tchunk: truncated precompiled chunk
print(pcall(load(string.dump(function() error("with line") end)))) --> expect: nil\tchunk: not a precompiled chunk
print(pcall(load(string.dump(function() error("without line") end, true))))
local whole = string.dump(f)
local accepted = 0
for n = 1, #whole - 1 do
  if load(whole:sub(1, n), "chunk", "b") then accepted = accepted + 1 end
end
print(accepted)
print(load("\27Lua", "=chunk"))
print(load("\27Lux" .. whole:sub(5), "=chunk"))
