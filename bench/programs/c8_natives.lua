-- Calls: native functions of the libraries with small work in each, through locals, fields and methods.
local abs, max, min, floor, type, rawget, rawequal = math.abs, math.max, math.min, math.floor, type, rawget, rawequal
local t, s, sum = {x = 1}, "hello", 0
for i = 1, 1500000 do
  sum = sum + abs(i % 11 - 5) + max(i % 3, 1, 2) - min(i % 5, 3) + floor(i / 7) % 3
  if type(i) == "number" and rawequal(t, t) then sum = sum + rawget(t, "x") end
  sum = sum + s:byte(i % 5 + 1) % 4 + math.abs(-1) + #tostring(true)
end
print("natives", string.format("%d", sum))
