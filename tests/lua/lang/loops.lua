-- Manual §3.3.4 and §3.3.5: while, repeat, numeric and generic for.
local function list(first, last, step)
  local values = {}
  for i = first, last, step or 1 do
    values[#values + 1] = tostring(i)
    if #values == 6 then break end
  end
  return table.concat(values, " ")
end
print(list(1, 3), list(3, 1), list(3, 1, -1), list(1, 2, 0.5), list(1.0, 3)) --> expect: 1 2 3\t\t3 2 1\t1.0 1.5 2.0\t1.0 2.0 3.0
print(list(math.maxinteger - 1, math.maxinteger), list(math.mininteger, math.mininteger + 1)) --> expect: 9223372036854775806 9223372036854775807 -9223372036854775808 -9223372036854775807 -9223372036854775806 -9223372036854775805\t-9223372036854775808 -9223372036854775807
print(list(math.mininteger + 1, math.mininteger, -1), list(math.maxinteger, math.huge)) --> expect: -9223372036854775807 -9223372036854775808 9223372036854775807 9223372036854775806 9223372036854775805 9223372036854775804\t9223372036854775807 -9223372036854775808 -9223372036854775807 -9223372036854775806 -9223372036854775805 -9223372036854775804
print(list(1, -math.huge), list(1, 3.9), list(3, 1.1, -1), list(-1, -3.5, -1)) --> expect: \t1 2 3\t3 2\t-1 -2 -3
print(list(0, math.mininteger, math.mininteger), list(1, 0 / 0), list(0.1, 0.35, 0.1)) --> expect: 0 -9223372036854775808 0 -9223372036854775808 0 -9223372036854775808\t\t0.1 0.2 0.3
print(pcall(list, 1, 10, "x")) --> expect: false\tloops.lua:4: 'for' step must be a number
print(pcall(list, "1", 10)) --> expect: true\t1.0 2.0 3.0 4.0 5.0 6.0
print(pcall(list, 1, {})) --> expect: false\tloops.lua:4: 'for' limit must be a number
print(list(1, 2, 0)) --> expect: 
do
  local i = 0
  while true do
    i = i + 1
    if i > 5 then break end
  end
  repeat local done = i > 7; i = i + 1 until done
  print(i) --> expect: 9
end
local calls = {}
for i = 1, 3 do calls[i] = function() i = i + 1 return i end end
print(calls[1](), calls[1](), calls[2](), calls[3]()) --> expect: 2\t3\t3\t4
local function iterator(state, control) if control < state then return control + 1, control * 2 end end
for a, b in iterator, 3, 0 do io.write(a, "=", b, " ") end
print() --> expect: 1=0 2=2 3=4 
for k, v in next, { "x", "y" } do io.write(k, v, " ") end
print() --> expect: 1x 2y 
print(pcall(function() for x in 5 do end end)) --> expect: false\tloops.lua:36: attempt to call a number value
print(pcall(function() for k in pairs(nil) do end end)) --> expect: false\tloops.lua:37: bad argument #1 to 'for iterator' (table expected, got nil)
print(pcall(function() for i = 1, 10 do local x = i .. {} end end)) --> expect: false\tloops.lua:38: attempt to concatenate a table value
