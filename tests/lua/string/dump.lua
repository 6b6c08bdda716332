-- string.dump (function [, strip]), manual Â§6.4
local function f(a, b) local c = a + b; return c * 2, "constant", 1.5, nil, true end
local copy = load(string.dump(f))
print(copy(1, 2)) --> expect: 6\tconstant\t1.5\tnil\ttrue
print(load(string.dump(f, true))(1, 2)) --> expect: 6\tconstant\t1.5\tnil\ttrue
print(string.dump(f):sub(1, 4) == "\27Lua", #string.dump(f) > #string.dump(f, true)) --> expect: true\ttrue
local function outer() return function(n) if n == 0 then return "done" end return outer and "up" or n end end
print(pcall(load(string.dump(outer)))) --> expect: true\tfunction: 0x55a2d0df1750
print(pcall(string.dump, print))
--> expect: true\tLuaS\0“\r
--> expect: 
--> expect: xV\0\0\0\0\0\0\0\0\0\0\0(w@@scripts/bless.lua*\0\0\0.\0\0\0\0\0\0\0\0@\0@@\0m\0\0\0$€\0\0A€\0\0‡À@\0Á€\0\0hÀ\0€FA\0‡\0d\0
--> expect: @g€þE\0€\0†\0@\0‡@AÀ\0\0\0\0¤€€ÁÀ\0À\0d@\0&\0€\0\0\0\0tablepack\0\0\0\0\0\0\0n\ttostringconcat\t
--> expect: \0\0\0\0\0\0\0\0\0\0\0\0+\0\0\0+\0\0\0+\0\0\0+\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0,\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0-\0\0\0.\0\0\0\0\0\0parts\0\0\0\0\0\0(for index)\0\0\0\r\0\0\0(for limit)\0\0\0\r\0\0\0(for step)\0\0\0\r\0\0\0i\0\0\0\0\0\0\0\0\0_ENVnote
print(pcall(string.dump)) --> expect: false\tbad argument #1 to 'string.dump' (function expected, got no value)
local text = string.dump(load("local t = {...}; for i = 1, #t do t[i] = t[i] * 2 end return table.unpack(t)"))
print(load(text)(1, 2, 3)) --> expect: 2\t4\t6
print(pcall(load(string.dump(function() error("with line") end)))) --> expect: false\tdump.lua:13: with line
print(pcall(load(string.dump(function() error("without line") end, true)))) --> expect: false\twithout line
local whole = string.dump(f)
local accepted = 0
for n = 1, #whole - 1 do
  if load(whole:sub(1, n), "chunk", "b") then accepted = accepted + 1 end
end
print(accepted) --> expect: 0
print(load("\27Lua", "=chunk")) --> expect: nil\tchunk: truncated precompiled chunk
print(load("\27Lux" .. whole:sub(5), "=chunk")) --> expect: nil\tchunk: not a precompiled chunk
