-- Functions of strings with quick forms: plain calls, and such as need the whole function (conversions, long results, errors)
local char, len, lower, rep, reverse, sub, upper = string.char, string.len, string.lower, string.rep, string.reverse, string.sub, string.upper
print(char(), char(0):byte(), char(65, 66, 67, 68, 69, 70, 71, 72), char(65, 66, 67, 68, 69, 70, 71, 72, 73), char("65", 66.0)) --> expect: \t0\tABCDEFGH\tABCDEFGHI\tAB
print(pcall(function() local s = char(256) return s end)) --> expect: false\tquick.lua:4: bad argument #1 to 'char' (value out of range)
print(pcall(function() local s = char(65, -1) return s end)) --> expect: false\tquick.lua:5: bad argument #2 to 'char' (value out of range)
print(pcall(function() local s = char(65, "x") return s end)) --> expect: false\tquick.lua:6: bad argument #2 to 'char' (number expected, got string)
print(lower("ÄBc[1]"), upper("äbc{1}"), reverse("abc"), reverse(""), lower(12), upper(1.5), reverse(123), upper("a\0b"):byte(1, -1)) --> expect: Äbc[1]\täBC{1}\tcba\t\t12\t1.5\t321\t65\t0\t66
local alphabet = "abcdefghijklmnopqrstuvwxyz"
for _, n in ipairs({0, 1, 39, 40, 41, 127, 128, 129, 500}) do
  local s = sub(rep(alphabet, 20), 1, n)
  print(n, #s, #upper(s), lower(upper(s)) == s, reverse(reverse(s)) == s, upper(s) == string.gsub(s, "%l", upper), rep("x", n) == sub(rep("xy", n), 1, 2 * n):gsub("y", ""))
--> expect: 0\t0\t0\ttrue\ttrue\ttrue\ttrue
--> expect: 1\t1\t1\ttrue\ttrue\ttrue\ttrue
--> expect: 39\t39\t39\ttrue\ttrue\ttrue\ttrue
--> expect: 40\t40\t40\ttrue\ttrue\ttrue\ttrue
--> expect: 41\t41\t41\ttrue\ttrue\ttrue\ttrue
--> expect: 127\t127\t127\ttrue\ttrue\ttrue\ttrue
--> expect: 128\t128\t128\ttrue\ttrue\ttrue\ttrue
--> expect: 129\t129\t129\ttrue\ttrue\ttrue\ttrue
--> expect: 500\t500\t500\ttrue\ttrue\ttrue\ttrue
end
print(rep("ab", 3), rep("ab", 0), rep("ab", -1), rep("", 5), rep("ab", 2.0), rep("ab", "2"), rep("ab", 2, ","), rep(1, 3), rep("ab", math.mininteger)) --> expect: ababab\t\t\t\tabab\tabab\tab,ab\t111\t
for _, n in ipairs({19, 20, 21, 63, 64, 65}) do io.write(#rep("ab", n), " ", rep("ab", n):find("[^ab]") and "bad" or "good", " ") end
print() --> expect: 38 good 40 good 42 good 126 good 128 good 130 good 
print(pcall(function() local s = rep("x", 1e15) return s end)) --> expect: false\tquick.lua:25: resulting string too large
print(pcall(function() local s = rep("x", 1.5) return s end)) --> expect: false\tquick.lua:26: bad argument #2 to 'rep' (number has no integer representation)
print(pcall(function() local s = rep() return s end)) --> expect: false\tquick.lua:27: bad argument #1 to 'rep' (string expected, got no value)
print(pcall(function() local s = upper() return s end)) --> expect: false\tquick.lua:28: bad argument #1 to 'upper' (string expected, got no value)
print(pcall(function() local s = ("x"):reverse():upper():bad() return s end)) --> expect: false\tquick.lua:29: attempt to call a nil value (method 'bad')
-- Results that nobody wants, and more than there are
local function none() upper("a") rep("a", 3) char(65) end
local function two() local a, b = upper("a"), nil return a, b end
local function three() local a, b, c = lower("A") return a, b, c end
print(none(), two(), three()) --> expect: nil\tA\ta\tnil\tnil
print((function(...) return select("#", ...), ... end)(reverse("ab"), sub("abc", 2))) --> expect: 2\tba\tbc
print((function() return upper("tail") end)()) --> expect: TAIL
-- Numbers from and to text
print(tostring(12), tostring(-0.0), tostring(1e15), tostring(2^63), tostring(math.mininteger), tostring(0.1), tostring(1/3), tostring(100 // 1.0)) --> expect: 12\t-0.0\t1e+15\t9.2233720368548e+18\t-9223372036854775808\t0.1\t0.33333333333333\t100.0
print(tonumber("12"), tonumber(" 0x1F "), tonumber("1e2"), tonumber(".5"), tonumber("5."), tonumber("0x.8p1"), tonumber("9223372036854775808")) --> expect: 12\t31\t100.0\t0.5\t5.0\t1.0\t9.2233720368548e+18
print(tonumber(""), tonumber(" "), tonumber("abc"), tonumber("1 2"), tonumber("0x"), tonumber("1e"), tonumber("12", 10), tonumber("z", 36), tonumber(nil)) --> expect: nil\tnil\tnil\tnil\tnil\tnil\t12\t35\tnil
print(pcall(function() local n = tonumber() return n end)) --> expect: false\tquick.lua:41: bad argument #1 to 'tonumber' (value expected)
print(pcall(function() local n = tonumber("1", 99) return n end)) --> expect: false\tquick.lua:42: bad argument #2 to 'tonumber' (base out of range)
print(pcall(function() local n = tonumber({}) return n end)) --> expect: true\tnil
debug.setmetatable(0, {__tostring = function(n) return "number!" end})
print(tostring(1), tostring(1.5), 1 .. "") --> expect: number!\tnumber!\t1
debug.setmetatable(0, nil)
print(tostring(1)) --> expect: 1
-- Under a count hook and through pcall the functions are called as ever
debug.sethook(function() end, "", 1)
print(upper("hook"), rep("h", 2), tostring(7), tonumber("8")) --> expect: HOOK\thh\t7\t8
debug.sethook()
print(pcall(upper, "p"), pcall(rep, "p", 2), pcall(tostring, 3), pcall(tonumber, "4")) --> expect: true\ttrue\ttrue\ttrue\t4
