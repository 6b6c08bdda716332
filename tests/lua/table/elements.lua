-- Inserting and removing in plain tables, whose elements lie in the array part, in the nodes, or in both.
local function show(t, n) local o = {} for i = 1, n or #t do o[i] = tostring(t[i]) end return table.concat(o, " ") end

-- Appending across every size at which the array part grows.
local t = {}
for i = 1, 40 do table.insert(t, i) assert(#t == i and t[i] == i) end
print(show(t)) --> expect: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40
for i = 40, 1, -1 do assert(table.remove(t) == i and #t == i - 1 and t[i] == nil) end
print(#t, table.remove(t), #t, next(t)) --> expect: 0\tnil\t0\tnil

-- In the middle, with a full array part and with room in it.
t = {1, 2, 3, 4}
table.insert(t, 2, "a") print(show(t)) --> expect: 1 a 2 3 4
table.insert(t, 1, "b") print(show(t)) --> expect: b 1 a 2 3 4
table.insert(t, #t, "c") print(show(t)) --> expect: b 1 a 2 3 c 4
table.insert(t, #t + 1, "d") print(show(t)) --> expect: b 1 a 2 3 c 4 d
print(table.remove(t, 1), table.remove(t, 3), table.remove(t, #t), show(t)) --> expect: b\t2\td\t1 a 3 c 4
print(table.remove(t, #t + 1), show(t)) --> expect: nil\t1 a 3 c 4

-- Elements in the nodes alone.
t = {}
for i = 20, 1, -1 do t[i] = i end
table.insert(t, 3, "x") print(#t, show(t)) --> expect: 21\t1 2 x 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20
print(table.remove(t, 3), table.remove(t, 1), #t, show(t)) --> expect: x\t1\t19\t2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20

-- Nil and false as values.
t = {1, 2, 3}
table.insert(t, 2, false) print(show(t)) --> expect: 1 false 2 3
table.insert(t, 1, nil) print(t[1], t[2], t[3], t[4], t[5]) --> expect: nil\t1\tfalse\t2\t3
t = {1, 2, 3}
table.insert(t, nil) print(#t) --> expect: 3

-- Positions out of bounds, and the wrong number of arguments.
t = {1, 2}
for _, p in ipairs {0, 4, -1, math.mininteger, math.maxinteger} do
  print(pcall(table.insert, t, p, 0)) --> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
  print(pcall(table.remove, t, p))
--> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
--> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
--> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
--> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
--> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
--> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
--> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
--> expect: false\tbad argument #2 to 'table.insert' (position out of bounds)
--> expect: false\tbad argument #1 to 'table.remove' (position out of bounds)
end
print(pcall(table.insert, t, 1.5, 0)) --> expect: false\tbad argument #2 to 'table.insert' (number has no integer representation)
print(pcall(table.insert, t, "2", "s"), show(t)) --> expect: true\t1 s 2
print(pcall(table.insert, t)) --> expect: false\twrong number of arguments to 'insert'
print(pcall(table.insert, t, 1, 2, 3)) --> expect: false\twrong number of arguments to 'insert'
print(pcall(table.remove, {}, 0), pcall(table.remove, {}, 1), pcall(table.remove, {}, 2)) --> expect: true\ttrue\tfalse\tbad argument #1 to 'table.remove' (position out of bounds)
t = {[0] = "zero"}
print(table.remove(t), t[0], table.remove(t, 0), table.remove(t, #t)) --> expect: zero\tnil\tnil\tnil

-- With metamethods each access is seen.
local log = {}
local p = setmetatable({}, {__len = function() return 3 end,
  __index = function(_, k) log[#log + 1] = "r" .. k return k * 10 end,
  __newindex = function(_, k, v) log[#log + 1] = "w" .. k .. "=" .. tostring(v) end})
table.insert(p, 2, "v") print(table.concat(log, " ")) --> expect: r3 w4=30 r2 w3=20 w2=v
log = {}
print(table.remove(p, 1), table.concat(log, " ")) --> expect: 10\tr1 r2 w1=20 r3 w2=30 w3=nil

-- New objects stay alive when a collection runs between insertions.
local q = {}
collectgarbage()
for i = 1, 2000 do
  table.insert(q, 1 + i % (#q + 1), {i})
  if i % 100 == 0 then collectgarbage("step", 10) end
end
local sum = 0
for i = 1, #q do sum = sum + q[i][1] end
print(#q, sum) --> expect: 2000\t2001000
while #q > 0 do sum = sum - table.remove(q, 1 + #q // 2)[1] end
print(#q, sum) --> expect: 0\t0
