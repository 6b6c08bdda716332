-- The length operator and borders, manual §3.4.7; tables that grow and shrink.
print(#{}, #{ 1, 2, 3 }, #{ n = 1 }, #{ nil }, #{ 1, 2, nil, nil })
local t = {}
for i = 1, 100 do t[i] = i end
print(#t)
for i = 100, 51, -1 do t[i] = nil end
print(#t)
for i = 1, 100 do t["k" .. i] = i end
print(#t, t.k50)
for i = 50, 1, -1 do table.remove(t, i) end
print(#t, next(t) ~= nil)
local sparse = { [1] = 1, [2] = 2, [1000] = 3 }
print(#sparse == 2 or #sparse == 1000)
local reverse = {}
for i = 64, 1, -1 do reverse[i] = i end
print(#reverse)
local mixed = { 1, 2, 3, [4] = 4, [5] = 5, x = 1 }
print(#mixed)
local f = { [1.0] = "a", [2.0] = "b" }
print(#f, f[1], next({ [3.0] = 1 }), math.type(next({ [3.0] = 1 })))
local keys = { [true] = 1, [print] = 2, [2 ^ 53] = 3, [-1] = 4, [0] = 5, [""] = 6 }
print(keys[true], keys[print], keys[1 << 53], keys[-1], keys[0], keys[""], #keys)
