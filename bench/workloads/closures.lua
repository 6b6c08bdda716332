-- about: closures that share and close variables, chained into pipelines and dropped
-- stresses: functions and upvalues: blocks of 32 to 64 bytes that die in the order they were made
-- sizes: quick 600, default 5000, long 40000
local rounds = tonumber((...)) or 600

local function counter(start)
  local value = start
  local function add(by) value = value + by return value end
  local function get() return value end
  return add, get
end

local function compose(f, g) return function(x) return g(f(x)) end end

local sum = 0
for round = 1, rounds do
  local kept = {}
  for i = 1, 400 do
    local add, get = counter(i)
    add(round)
    kept[i] = get
  end
  local chain = function(x) return x end
  for i = 1, 100 do chain = compose(chain, function(x) return x + i end) end
  for i = 1, #kept do sum = sum + kept[i]() end
  sum = (sum + chain(round)) % 1000000007
end
print("closures", sum)
