-- Allocation: a cache of long-lived records with random replacement, beside short-lived strings and closures.
local cache, seed = {}, 7
local function random(n) seed = seed * 16807 % 2147483647 return seed % n end
local hits = 0
for i = 1, 450000 do
  local k = random(20000)
  local entry = cache[k]
  if entry and entry.age > i - 30000 then
    hits = hits + entry.get()
  else
    local name = "item" .. k
    cache[k] = {age = i, name = name, get = function() return #name end}
  end
end
print("cache", hits)
