-- about: a cache that is full for the whole run, whose entries of very different sizes are replaced at random
-- stresses: fragmentation: old and new blocks of all sizes side by side
-- sizes: quick 50000, default 350000, long 3000000
local steps = tonumber((...)) or 50000
local PLACES = 4000

local state = 42
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 8 % n + 1
end

local function entry(step)
  local what = random(10)
  if what <= 5 then return ("x"):rep(random(200)) .. step end
  if what <= 8 then
    local list = {}
    for i = 1, random(24) do list[i] = step + i end
    return list
  end
  if what == 9 then return {key = step, value = tostring(step), next = {step}} end
  return ("y"):rep(random(8000)) .. step
end

local cache, sum = {}, 0
for step = 1, steps do
  local place = random(PLACES)
  local old = cache[place]
  if old then sum = sum + (type(old) == "string" and #old or #old + 1) end
  cache[place] = entry(step)
end
print("cache", sum)
