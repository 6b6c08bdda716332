-- Numbers: integers: greatest common divisors, powers under a modulus, sequences of Collatz, sums of digits.
local floor = math.floor
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
local function power(b, e, m)
  local r = 1
  while e > 0 do
    if e % 2 == 1 then r = r * b % m e = e - 1 end
    b = b * b % m
    e = e / 2
  end
  return r
end
local function collatz(n) local c = 0 while n ~= 1 do if n % 2 == 0 then n = n / 2 else n = 3 * n + 1 end c = c + 1 end return c end
local sum = 0
for i = 1, 900000 do sum = sum + gcd(i * 7, 5040 + i % 100) end
for i = 1, 180000 do sum = sum + power(i, 65537, 1000003) end
for i = 1, 75000 do sum = sum + collatz(i) end
for i = 1, 600000 do local n = i while n > 0 do sum = sum + n % 10 n = (n - n % 10) / 10 end end
print("integers", string.format("%d", sum))
