-- Numbers: the sieve of Eratosthenes over a table of booleans, small often and large once.
local function sieve(n)
  local composite, count = {}, 0
  for i = 2, n do composite[i] = false end
  for i = 2, n do
    if not composite[i] then
      count = count + 1
      for j = i * i, n, i do composite[j] = true end
    end
  end
  return count
end
local sum = 0
for _ = 1, 800 do sum = sum + sieve(10000) end
print("sieve", sum, sieve(3000000))
