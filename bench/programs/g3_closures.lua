-- Allocation: closures with own and with shared upvalues, most of which die young.
local function pair(n)
  local v = n
  return function() return v end, function(x) v = x end
end
local function chain(n) local f = function(x) return x end for i = 1, n do local g = f f = function(x) return g(x + i) end end return f end
local kept, sum = {}, 0
for i = 1, 2000000 do
  local get, set = pair(i)
  set(get() + 1)
  kept[i % 1000 + 1] = get
  sum = sum + get() % 3
end
for _ = 1, 20000 do sum = sum + chain(20)(1) end
for i = 1, #kept do sum = sum + kept[i]() % 7 end
print("closures", sum)
