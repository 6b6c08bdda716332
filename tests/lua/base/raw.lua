-- rawequal, rawget, rawlen, rawset, next, pairs, ipairs, manual §6.1
local t = setmetatable({}, { __index = function() return "meta" end, __newindex = function() end, __len = function() return 99 end })
t.x = 1
print(t.x, rawget(t, "x"), #t, rawlen(t)) --> expect: meta\tnil\t99\t0
print(rawset(t, "x", 5) == t, t.x, rawequal(t, t), rawequal(1, 1.0), rawequal("a", "a"), rawlen("abc")) --> expect: true\t5\ttrue\ttrue\ttrue\t3
print(pcall(rawlen, 5)) --> expect: false\tbad argument #1 to 'rawlen' (table or string expected)
print(pcall(rawget, 5, 1)) --> expect: false\tbad argument #1 to 'rawget' (table expected, got number)
print(pcall(rawset, {}, nil, 1)) --> expect: false\ttable index is nil
print(pcall(rawset, {}, 0 / 0, 1)) --> expect: false\ttable index is NaN
print(next({}), next({ 10 }), next({ 10 }, 1)) --> expect: nil\t1\tnil
print(pcall(next, {}, "no such key")) --> expect: false\tinvalid key to 'next'
print(pcall(next)) --> expect: false\tbad argument #1 to 'next' (table expected, got no value)
local keys = {}
for k, v in pairs { 1, 2, a = 3, b = 4, [2.5] = 5 } do keys[#keys + 1] = tostring(k) .. "=" .. v end
table.sort(keys)
print(table.concat(keys, " ")) --> expect: 1=1 2.5=5 2=2 a=3 b=4
for i, v in ipairs { 1, 2, nil, 4 } do io.write(i, ":", v, " ") end
print() --> expect: 1:1 2:2 
local proxy = setmetatable({}, { __index = function(_, i) if i <= 3 then return i * i end end })
for i, v in ipairs(proxy) do io.write(i, ":", v, " ") end
print() --> expect: 1:1 2:4 3:9 
local custom = setmetatable({}, { __pairs = function(t) return function(_, k) if not k then return 1, "one" end end, t, nil end })
for k, v in pairs(custom) do print(k, v) end --> expect: 1\tone
print(pcall(ipairs)) --> expect: false\tbad argument #1 to 'ipairs' (value expected)
print(pcall(function() for _ in pairs(nil) do end end)) --> expect: false\traw.lua:25: bad argument #1 to 'for iterator' (table expected, got nil)
-- assigning nil to the current key while traversing is allowed
local removed, big = 0, {}
for i = 1, 100 do big[i] = i; big["k" .. i] = i end
for k in pairs(big) do big[k] = nil; removed = removed + 1 end
print(removed, next(big)) --> expect: 200\tnil
