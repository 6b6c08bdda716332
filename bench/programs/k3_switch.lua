-- Coroutines: bare switches, switches with values both ways, and through three coroutines nested in each other.
local create, resume, yield, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.wrap
local bare = create(function() while true do yield() end end)
local values = create(function(a, b) while true do a, b = yield(b, a) end end)
local inner = wrap(function() local i = 0 while true do i = i + 1 yield(i) end end)
local middle = wrap(function() while true do yield(inner()) end end)
local outer = wrap(function() while true do yield(middle()) end end)
local sum = 0
for i = 1, 1200000 do
  resume(bare)
  local _, a, b = resume(values, i, 1)
  sum = (sum + a + b + outer()) % 1000003
end
print("switch", sum)
