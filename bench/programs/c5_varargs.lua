-- Calls: functions with a variable number of arguments: passed on, counted, selected, packed and unpacked.
local select, unpack = select, table.unpack or unpack
local function pass(...) return ... end
local function count(...) return select("#", ...) end
local function sum(...)
  local s = 0
  for i = 1, select("#", ...) do s = s + (select(i, ...)) end
  return s
end
local function first(a, ...) return a + count(...) end
local function packed(...) local t = {...} return t[1] + t[#t] end
local total = 0
for i = 1, 900000 do
  total = total + sum(i, 1, 2, 3) + count(pass(i, i, i)) + first(pass(1, 2, 3, 4)) + packed(i, 2, 3)
  total = (total + count(unpack({i, i, i}))) % 1000003
end
print("varargs", total)
