-- Calls: composition of closures, counters with shared upvalues, varargs passed through.
local function compose(f, g) return function(...) return f(g(...)) end end
local function inc(x) return x + 1 end
local f = inc
for _ = 1, 20 do f = compose(f, inc) end
local sum = 0
for i = 1, 1000000 do sum = (sum + f(i)) % 1000003 end
local function counter() local n = 0 return function() n = n + 1 return n end end
for _ = 1, 500000 do local c = counter() c() c() sum = sum + c() end
print("closures", sum)
