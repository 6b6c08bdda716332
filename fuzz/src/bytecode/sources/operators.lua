local a, b, c, d = 1, 2.5, "3", {}
local function ops(x, y) return x + y, x - y, x * y, x / y, x % y, x // y, x ^ y, x .. y, x == y, x ~= y, x < y, x <= y end
emit(pcall(ops, a, b)) emit(pcall(ops, b, c)) emit(pcall(ops, c, d)) emit(pcall(ops, 3, 0))
emit(a & 3, a | 4, a ~ 5, a << 2, a >> 1, ~a, a + 1, a - 1, 1 - a, a * 2, a / 2, 2 / a, a // 3, a % 3, a + 1.5, 1.5 - a, a * 2.5, b / 2.5, a ^ 2, a & 0xffffff, a + 100000, 7.5 // a)
d.x, d.y, d[1], d[2], d[a], d["z w"] = a, "k", nil, true, 2, c
emit(d.x, d[1], d[a], d.y and d.x or c, d.q == nil, d.x == "k", a == 1, a ~= 2.5, not a, b > 2, b >= 1.5, 1 < b)
repeat local q = a a = a + 1 local f = function() return q end if f() == 3 then break end until a > 5
do local x = function() return a, b, c end goto out emit(x) end
::out::
local s = "" for i = 1, 10 do s = s .. i .. "," if i % 2 == 0 then goto cont end s = s .. "o" ::cont:: end
emit(s, #s, ({a, b, c})[2], (ops(1, 2)))
return (function(...) return ... end)(a, b, c, d)
