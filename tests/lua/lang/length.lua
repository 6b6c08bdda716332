-- The length operator: strings, and tables whose border moves by a step, by many, or is asked for by a metamethod.
print(#"", #"abc", #("x"):rep(1000), #"a\0b") --> expect: 0\t3\t1000\t3
local t = {}
for i = 1, 100 do
  t[#t + 1] = i
  assert(#t == i)
end
for i = 99, 0, -1 do
  t[#t] = nil
  assert(#t == i)
end
for round = 1, 5 do
  for i = 1, 40 do t[#t + 1] = round end
  for i = 1, 30 do t[#t] = nil end
  assert(#t == round * 10)
end
for i = 50, 21, -1 do t[i] = nil end
print(#t) --> expect: 20
for i = 21, 33 do t[i] = i end
print(#t) --> expect: 33
for i = 33, 1, -1 do t[i] = nil end
print(#t, next(t)) --> expect: 0\tnil
t[1] = "one"
print(#t) --> expect: 1

-- Elements in the hash part go on where the array part ends.
local h = {1, 2, 3, x = 1}
for i = 4, 9 do h[i] = i end
print(#h, #{n = 1}, #{[1] = 1, [2] = 2, [4] = 4, n = 1} >= 2) --> expect: 9\t0\ttrue
local constructed = {1, 2, 3, 4}
print(#constructed, #{(function() return 1, 2, 3 end)()}) --> expect: 4\t3

-- Metatables without, with, and with a later `__len`.
local mt = {}
local object = setmetatable({1, 2}, mt)
print(#object, #object) --> expect: 2\t2
mt.__len = function(self) return "length of " .. rawlen(self) end
print(#object) --> expect: length of 2
mt.__len = nil
print(#object) --> expect: 2
print(#setmetatable({}, {__len = function() return nil end})) --> expect: nil
print(pcall(function() local nothing return #nothing end)) --> expect: false\tlength.lua:42: attempt to get length of a nil value (local 'nothing')
print(pcall(function() return #5 end)) --> expect: false\tlength.lua:43: attempt to get length of a number value

-- A loop whose table shrinks and grows by tables of all sizes.
local total = 0
for size = 0, 200 do
  local list = {}
  for i = 1, size do list[i] = true end
  total = total + #list
  if size > 0 then
    list[size] = nil
    total = total + #list
    list[size] = true
    list[size + 1] = true
    total = total + #list
  end
end
print(total) --> expect: 60300
