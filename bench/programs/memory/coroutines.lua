-- Memory: a hundred thousand suspended coroutines.
local t, sum = {}, 0
for i = 1, 100000 do
  t[i] = coroutine.create(function(a) local b = coroutine.yield(a) return b end)
  local _, a = coroutine.resume(t[i], i)
  sum = sum + a
end
print(#t, string.format("%d", sum))
