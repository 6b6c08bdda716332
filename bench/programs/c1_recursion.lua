-- Calls: Ackermann and Tak, deep recursion with small frames.
local function ack(m, n)
  if m == 0 then return n + 1 end
  if n == 0 then return ack(m - 1, 1) end
  return ack(m - 1, ack(m, n - 1))
end
local function tak(x, y, z)
  if y >= x then return z end
  return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))
end
local sum = 0
for _ = 1, 40 do sum = sum + ack(2, 600) % 7 + tak(20, 12, 6) end
print("recursion", sum)
