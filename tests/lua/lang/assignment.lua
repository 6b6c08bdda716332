-- Manual §3.3.3: assignment evaluates all expressions first.
local i, a = 3, {}
i, a[i] = i + 1, 20
print(i, a[3], a[4])
local x, y, z = 1, 2
x, y = y, x
print(x, y, z)
local t = { 1, 2, 3, n = 5, [10] = 10, "four"; "five", }
print(#t, t[4], t[5], t.n, t[10])
t.a, t.b, t.c = (function() return 1, 2, 3 end)()
print(t.a, t.b, t.c)
local function two() return 1, 2 end
local p, q, r = two(), two()
print(p, q, r)
local nested = { { { "deep" } } }
print(nested[1][1][1])
do local x = x; x = x + 100; print(x) end
print(x)
print(load("x, y() = 1, 2"))
print(load("local function f() end f() = 1"))
print(load("a.b:c = 1"))
print(pcall(function() local t = nil; t.x = 1 end))
print(pcall(function() undefined_global.field = 1 end))
print(pcall(function() local t = {}; t[nil] = 1 end))
print(pcall(function() local t = {}; t[0 / 0] = 1 end))
print(({})[nil], ({})[0 / 0])
