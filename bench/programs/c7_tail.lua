-- Calls: loops made of tail calls, a state machine of three functions, and continuations.
local function loop(n, acc) if n == 0 then return acc end return loop(n - 1, acc + n % 3) end
local a, b, c
function a(n, s) if n == 0 then return s end return b(n - 1, s + 1) end
function b(n, s) if n == 0 then return s end return c(n - 1, s + 2) end
function c(n, s) if n == 0 then return s end return a(n - 1, s + 3) end
local function thrice(n, f, k) if n == 0 then return k(0) end return f(n - 1, f, function(v) return k(v + 3) end) end
local function id(v) return v end
local sum = 0
for _ = 1, 15 do
  sum = sum + loop(1000000, 0) + a(1000000, 0)
  for _ = 1, 300 do sum = sum + thrice(200, thrice, id) end
end
print("tail", sum)
