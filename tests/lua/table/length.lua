-- The length operator and borders, manual §3.4.7; tables that grow and shrink.
print(#{}, #{ 1, 2, 3 }, #{ n = 1 }, #{ nil }, #{ 1, 2, nil, nil }) --> expect: 0\t3\t0\t0\t2
local t = {}
for i = 1, 100 do t[i] = i end
print(#t) --> expect: 100
for i = 100, 51, -1 do t[i] = nil end
print(#t) --> expect: 50
for i = 1, 100 do t["k" .. i] = i end
print(#t, t.k50) --> expect: 50\t50
for i = 50, 1, -1 do table.remove(t, i) end
print(#t, next(t) ~= nil) --> expect: 0\ttrue
local sparse = { [1] = 1, [2] = 2, [1000] = 3 }
print(#sparse == 2 or #sparse == 1000) --> expect: true
local reverse = {}
for i = 64, 1, -1 do reverse[i] = i end
print(#reverse) --> expect: 64
local mixed = { 1, 2, 3, [4] = 4, [5] = 5, x = 1 }
print(#mixed) --> expect: 5
local f = { [1.0] = "a", [2.0] = "b" }
print(#f, f[1], next({ [3.0] = 1 }), math.type(next({ [3.0] = 1 }))) --> expect: 2\ta\t3\tinteger
local keys = { [true] = 1, [print] = 2, [2 ^ 53] = 3, [-1] = 4, [0] = 5, [""] = 6 }
print(keys[true], keys[print], keys[1 << 53], keys[-1], keys[0], keys[""], #keys) --> expect: 1\t2\t3\t4\t5\t6\t0
