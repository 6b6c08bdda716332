-- Coroutines: a producer, filters and a consumer.
local yield, wrap = coroutine.yield, coroutine.wrap
local function numbers(n) return wrap(function() for i = 1, n do yield(i) end end) end
local function filter(keep, source)
  return wrap(function() for x in source do if keep(x) then yield(x) end end end)
end
local sum = 0
for _ = 1, 18 do
  local source = numbers(150000)
  for d = 2, 4 do source = filter(function(x) return x % d ~= 1 end, source) end
  for x in source do sum = sum + x end
end
print("pipeline", sum)
