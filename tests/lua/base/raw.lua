-- rawequal, rawget, rawlen, rawset, next, pairs, ipairs, manual §6.1
local t = setmetatable({}, { __index = function() return "meta" end, __newindex = function() end, __len = function() return 99 end })
t.x = 1
print(t.x, rawget(t, "x"), #t, rawlen(t))
print(rawset(t, "x", 5) == t, t.x, rawequal(t, t), rawequal(1, 1.0), rawequal("a", "a"), rawlen("abc"))
print(pcall(rawlen, 5))
print(pcall(rawget, 5, 1))
print(pcall(rawset, {}, nil, 1))
print(pcall(rawset, {}, 0 / 0, 1))
print(next({}), next({ 10 }), next({ 10 }, 1))
print(pcall(next, {}, "no such key"))
print(pcall(next))
local keys = {}
for k, v in pairs { 1, 2, a = 3, b = 4, [2.5] = 5 } do keys[#keys + 1] = tostring(k) .. "=" .. v end
table.sort(keys)
print(table.concat(keys, " "))
for i, v in ipairs { 1, 2, nil, 4 } do io.write(i, ":", v, " ") end
print()
local proxy = setmetatable({}, { __index = function(_, i) if i <= 3 then return i * i end end })
for i, v in ipairs(proxy) do io.write(i, ":", v, " ") end
print()
local custom = setmetatable({}, { __pairs = function(t) return function(_, k) if not k then return 1, "one" end end, t, nil end })
for k, v in pairs(custom) do print(k, v) end
print(pcall(ipairs))
print(pcall(pairs, nil))
-- assigning nil to the current key while traversing is allowed
local removed, big = 0, {}
for i = 1, 100 do big[i] = i; big["k" .. i] = i end
for k in pairs(big) do big[k] = nil; removed = removed + 1 end
print(removed, next(big))
