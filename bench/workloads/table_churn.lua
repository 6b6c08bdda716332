-- about: tables that gain and lose keys without end, and shrink and grow again by rehashing
-- stresses: hash parts that are replaced by others of their size or half of it
-- sizes: quick 200000, default 2000000, long 15000000
local steps = tonumber((...)) or 200000

local state = 12345
local function random(n)
  state = (state * 1103515245 + 12345) % 2147483648
  return state // 8 % n + 1
end

local tables, live = {}, 0
for i = 1, 200 do tables[i] = {} end
for step = 1, steps do
  local t = tables[random(200)]
  local key = random(60)
  if t[key] then
    t[key] = nil
    live = live - 1
  else
    t[key] = step
    live = live + 1
  end
  if step % 64 == 0 then
    -- One is emptied and begins again from nothing.
    local place = random(200)
    for _ in pairs(tables[place]) do live = live - 1 end
    tables[place] = {}
  end
end
local sum = 0
for i = 1, 200 do for key in pairs(tables[i]) do sum = sum + key end end
print("table_churn", live, sum)
