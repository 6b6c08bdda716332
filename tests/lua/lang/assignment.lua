-- Manual §3.3.3: assignment evaluates all expressions first.
local i, a = 3, {}
i, a[i] = i + 1, 20
print(i, a[3], a[4]) --> expect: 4\t20\tnil
local x, y, z = 1, 2
x, y = y, x
print(x, y, z) --> expect: 2\t1\tnil
local t = { 1, 2, 3, n = 5, [10] = 10, "four"; "five", }
print(#t, t[4], t[5], t.n, t[10]) --> expect: 5\tfour\tfive\t5\t10
t.a, t.b, t.c = (function() return 1, 2, 3 end)()
print(t.a, t.b, t.c) --> expect: 1\t2\t3
local function two() return 1, 2 end
local p, q, r = two(), two()
print(p, q, r) --> expect: 1\t1\t2
local nested = { { { "deep" } } }
print(nested[1][1][1]) --> expect: deep
do local x = x; x = x + 100; print(x) end --> expect: 102
print(x) --> expect: 2
print(load("x, y() = 1, 2")) --> expect: nil\t[string "x, y() = 1, 2"]:1: syntax error near '='
print(load("local function f() end f() = 1")) --> expect: nil\t[string "local function f() end f() = 1"]:1: syntax error near '='
print(load("a.b:c = 1")) --> expect: nil\t[string "a.b:c = 1"]:1: function arguments expected near '='
print(pcall(function() local t = nil; t.x = 1 end)) --> expect: false\tassignment.lua:22: attempt to index a nil value (local 't')
print(pcall(function() undefined_global.field = 1 end)) --> expect: false\tassignment.lua:23: attempt to index a nil value (global 'undefined_global')
print(pcall(function() local t = {}; t[nil] = 1 end)) --> expect: false\tassignment.lua:24: table index is nil
print(pcall(function() local t = {}; t[0 / 0] = 1 end)) --> expect: false\tassignment.lua:25: table index is NaN
print(({})[nil], ({})[0 / 0]) --> expect: nil\tnil
