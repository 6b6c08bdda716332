-- Manual §3.3.4 and §3.3.5: while, repeat, numeric and generic for.
local function list(first, last, step)
  local values = {}
  for i = first, last, step or 1 do
    values[#values + 1] = tostring(i)
    if #values == 6 then break end
  end
  return table.concat(values, " ")
end
print(list(1, 3), list(3, 1), list(3, 1, -1), list(1, 2, 0.5), list(1.0, 3))
print(list(math.maxinteger - 1, math.maxinteger), list(math.mininteger, math.mininteger + 1))
print(list(math.mininteger + 1, math.mininteger, -1), list(math.maxinteger, math.huge))
print(list(1, -math.huge), list(1, 3.9), list(3, 1.1, -1), list(-1, -3.5, -1))
print(list(0, math.mininteger, math.mininteger), list(1, 0 / 0), list(0.1, 0.35, 0.1))
print(pcall(list, 1, 10, "x"))
print(pcall(list, "1", 10))
print(pcall(list, 1, {}))
print(list(1, 2, 0))
do
  local i = 0
  while true do
    i = i + 1
    if i > 5 then break end
  end
  repeat local done = i > 7; i = i + 1 until done
  print(i)
end
local calls = {}
for i = 1, 3 do calls[i] = function() i = i + 1 return i end end
print(calls[1](), calls[1](), calls[2](), calls[3]())
local function iterator(state, control) if control < state then return control + 1, control * 2 end end
for a, b in iterator, 3, 0 do io.write(a, "=", b, " ") end
print()
for k, v in next, { "x", "y" } do io.write(k, v, " ") end
print()
print(pcall(function() for x in 5 do end end))
print(pcall(function() for k in pairs(nil) do end end))
print(pcall(function() for i = 1, 10 do local x = i .. {} end end))
