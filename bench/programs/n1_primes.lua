-- Numbers: integer division and remainder, a running checksum.
local function is_prime(n)
  if n % 2 == 0 then return n == 2 end
  local d = 3
  while d * d <= n do if n % d == 0 then return false end d = d + 2 end
  return n > 1
end
local count, mix = 0, 0
for i = 1, 1500000 do
  if is_prime(i) then count = count + 1 mix = (mix * 31 + i) % 1000003 end
end
print("primes", count, mix)
