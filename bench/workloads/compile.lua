-- about: a large source compiled again and again, and its functions called once
-- stresses: the compiler's growing arrays, prototypes of all sizes, constants
-- sizes: quick 6, default 50, long 400
local rounds = tonumber((...)) or 6

local function source(round)
  local lines = {"local M, total = {}, 0"}
  for i = 1, 600 do
    lines[#lines + 1] = ([[
function M.f%d(a, b, ...)
  local x, y = a + %d, b or "text %d"
  if x > %d then x = x - #y elseif y == "none" then return nil end
  for i = 1, select("#", ...) do total = total + i end
  local list = {x, y, %d.5, key%d = x, ["other key"] = function() return x, total end}
  while #list > 3 do list[#list] = nil end
  return list[1], list.key%d
end]]):format(i, i * round, i, i * 3, i, i % 40, i % 40)
  end
  lines[#lines + 1] = "return M"
  return table.concat(lines, "\n")
end

local sum = 0
for round = 1, rounds do
  local module = assert(load(source(round), "=source"))()
  for i = 1, 600 do
    local first = module["f" .. i](i, nil, 1, 2)
    sum = sum + first
  end
end
print("compile", sum)
