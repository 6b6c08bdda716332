-- about: coroutines made by the thousand, some finished, some left where they had yielded
-- stresses: threads with their stacks: blocks of 200 to 1,000 bytes that come and go together
-- sizes: quick 120000, default 1000000, long 8000000
local count = tonumber((...)) or 120000

local function task(id)
  local sum = 0
  for i = 1, 3 do sum = sum + coroutine.yield(id + i) end
  return sum
end

local waiting, sum = {}, 0
for i = 1, count do
  local step = coroutine.wrap(task)
  sum = sum + step(i) + step(1)
  if i % 3 > 0 then
    step(2)
    sum = sum + step(3)
  else
    -- It waits in a ring, and is forgotten when its place is taken.
    waiting[i % 500] = step
  end
end
for _, step in pairs(waiting) do sum = sum + step(5) end
print("coroutine_churn", sum)
