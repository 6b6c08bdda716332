-- Natives with several results, called in every way that takes another number of them.
local function count(...) return select("#", ...), ... end
local s = "key = value, other = thing"

-- find, match
local a, b, c, d = s:find("=")
print(a, b, c, d) --> expect: 5\t5\tnil\tnil
a, b, c, d = s:find("(%w+) = (%w+)")
print(a, b, c, d) --> expect: 1\t11\tkey\tvalue
local only = s:find("value")
print(only, (s:find("value")), count(s:find("value"))) --> expect: 7\t7\t2\t7\t11
print(s:find("value"), s:find("nothing"), s:find("other", 1, true)) --> expect: 7\tnil\t14\t18
print(({s:find("(%w)(%w)(%w)")})[5], #{s:find("()k()e()y()")}, count(s:find("(%w)(%w)(%w)(%w-)(%w-)(%s)"))) --> expect: y\t6\t8\t1\t4\tk\te\ty\t\t\t 
print(s:find("", 100), s:find("", #s + 1), s:find("", -3), s:find("a", -1000), s:find("t", nil, true), s:find("=", 6, nil)) --> expect: nil\t27\t24\t8\t15\t20\t20
print(s:find("k", "1"), s:find("5", 1), ("x5"):find(5), string.find(155155, 51, 2, true)) --> expect: 1\tnil\t2\t3\t4
print(s:match("%w+"), s:match("(%w+) = (%w+)"), s:match("()=()"), s:match("^value"), s:match("value", -12), s:match("k", 100)) --> expect: key\tkey\t5\tnil\tnil\tnil
print(count(s:match("(k)(e)(y)(.)(.)(.)")), count(s:match("(k)(e)(y)(.)(.)(.)(.)")), s:match(".*"), s:match("()")) --> expect: 6\t7\tkey = value, other = thing\t1
s:find("k") s:match("k")
local function tail(x, p) return x:find(p) end
local function tail_match(x, p) return x:match(p) end
print(tail(s, "v"), (tail(s, "v")), tail_match(s, "(v)(a)"), tail_match(s, "nope")) --> expect: 7\t7\tv\tnil
for _, p in ipairs {"(", "[", "%", "(()", "%1", "a)", "[a", "%b", "%f", ("(x)"):rep(33)} do
  print(pcall(s.find, s, p), pcall(s.match, s, p)) --> expect: false\tfalse\tunfinished capture
  print(select(2, pcall(function() return s:find(p) end))) --> expect: quick_results.lua:24: unfinished capture
  print(select(2, pcall(function() for _ in s:gmatch(p) do end end))) --> expect: quick_results.lua:25: unfinished capture
  print(select(2, pcall(function() return s:gsub(p, "x") end)))
--> expect: xkxexyx x=x xvxaxlxuxex,x xoxtxhxexrx x=x xtxhxixnxgx\t27
--> expect: false\tfalse\tmalformed pattern (missing ']')
--> expect: quick_results.lua:24: malformed pattern (missing ']')
--> expect: quick_results.lua:25: malformed pattern (missing ']')
--> expect: quick_results.lua:26: malformed pattern (missing ']')
--> expect: false\tfalse\tmalformed pattern (ends with '%')
--> expect: quick_results.lua:24: malformed pattern (ends with '%')
--> expect: quick_results.lua:25: malformed pattern (ends with '%')
--> expect: quick_results.lua:26: malformed pattern (ends with '%')
--> expect: false\tfalse\tunfinished capture
--> expect: quick_results.lua:24: unfinished capture
--> expect: quick_results.lua:25: unfinished capture
--> expect: xkxexyx x=x xvxaxlxuxex,x xoxtxhxexrx x=x xtxhxixnxgx\t27
--> expect: false\tfalse\tinvalid capture index %1
--> expect: quick_results.lua:24: invalid capture index %1
--> expect: quick_results.lua:25: invalid capture index %1
--> expect: quick_results.lua:26: invalid capture index %1
--> expect: true\tfalse\tinvalid pattern capture
--> expect: nil
--> expect: quick_results.lua:25: invalid pattern capture
--> expect: quick_results.lua:26: invalid pattern capture
--> expect: false\tfalse\tmalformed pattern (missing ']')
--> expect: quick_results.lua:24: malformed pattern (missing ']')
--> expect: quick_results.lua:25: malformed pattern (missing ']')
--> expect: quick_results.lua:26: malformed pattern (missing ']')
--> expect: false\tfalse\tmalformed pattern (missing arguments to '%b')
--> expect: quick_results.lua:24: malformed pattern (missing arguments to '%b')
--> expect: quick_results.lua:25: malformed pattern (missing arguments to '%b')
--> expect: quick_results.lua:26: malformed pattern (missing arguments to '%b')
--> expect: false\tfalse\tmissing '[' after '%f' in pattern
--> expect: quick_results.lua:24: missing '[' after '%f' in pattern
--> expect: quick_results.lua:25: missing '[' after '%f' in pattern
--> expect: quick_results.lua:26: missing '[' after '%f' in pattern
--> expect: true\ttrue\tnil
--> expect: nil
--> expect: 
--> expect: key = value, other = thing\t0





































end
print(pcall(function() return s:find() end)) --> expect: false\tquick_results.lua:102: bad argument #1 to 'find' (string expected, got no value)
print(pcall(function() return s:find({}) end)) --> expect: false\tquick_results.lua:103: bad argument #1 to 'find' (string expected, got table)
print(pcall(function() return s:find("a", {}) end)) --> expect: false\tquick_results.lua:104: bad argument #2 to 'find' (number expected, got table)
print(pcall(function() return s:find("a", 1.5) end)) --> expect: false\tquick_results.lua:105: bad argument #2 to 'find' (number has no integer representation)
print(s:find("a", 7.0), s:find("a", "7")) --> expect: 8\t8\t8

-- gmatch
local seen = {}
for word in s:gmatch("%w+") do seen[#seen + 1] = word end
for k, v in s:gmatch("(%w+) = (%w+)") do seen[#seen + 1] = k .. "->" .. v end
for k, v, w in s:gmatch("(%w+) = (%w+)") do seen[#seen + 1] = tostring(w) end
for p in s:gmatch("()=") do seen[#seen + 1] = p end
for a, b, c, d, e, f, g in s:gmatch("(.)(.)(.)(.)(.)(.)(.)") do seen[#seen + 1] = g .. a end
for e in ("abc"):gmatch("x*") do seen[#seen + 1] = "<" .. e .. ">" end
for e in ("abc"):gmatch("") do seen[#seen + 1] = "." end
for e in ("^a^a"):gmatch("^a") do seen[#seen + 1] = e end
for e in string.gmatch(12321, 2) do seen[#seen + 1] = e end
for line in ("one\n\ntwo\n"):gmatch("([^\n]*)\n") do seen[#seen + 1] = "[" .. line .. "]" end
print(table.concat(seen, " ")) --> expect: key value other thing key->value other->thing nil nil 5 20 vk oa  t <> <> <> <> . . . . ^a ^a 2 2 [one] [] [two]
local it = s:gmatch("%w+")
print(it(), it(), count(it())) --> expect: key\tvalue\t1\tother
print(it("ignored", "arguments"), count(it()), count(it()), type(it)) --> expect: thing\t0\t0\tfunction
local both = {s:gmatch("(%w+) = (%w+)")()}
print(#both, both[1], both[2]) --> expect: 2\tkey\tvalue
local function tail_step(f) return f() end
it = s:gmatch("(%w)(%w)")
print(tail_step(it), (tail_step(it))) --> expect: k\tv
local co = coroutine.wrap(function() for k, v in s:gmatch("(%w+) = (%w+)") do coroutine.yield(k, v) end return "end" end)
print(co(), co(), co()) --> expect: key\tother\tend
for word in s:gmatch("%w+") do
  for letter in word:gmatch("[aeiou]") do
    if letter == "o" then goto out end
    seen = word .. letter
  end
end
::out::
print(seen) --> expect: valuee
it = ("aXbXc"):gmatch("%a")
print(it(), it(), it(), it()) --> expect: a\tX\tb\tX
print(pcall(string.gmatch, "x"), pcall(string.gmatch, {}, "x")) --> expect: false\tfalse\tbad argument #1 to 'string.gmatch' (string expected, got table)
for k in ("x"):rep(3):gmatch("x") do collectgarbage() end

-- byte
print(("abc"):byte(1, 3), (("abc"):byte(1, 3)), count(("abc"):byte(4)), count(("abc"):byte(3, 2)), ("abc"):byte(-2, -1), count(("abc"):byte(0))) --> expect: 97\t97\t0\t0\t98\t0
print(count(("abc"):byte(0, 2)), count(("abc"):byte(-10, 10)), #{("x"):rep(128):byte(1, -1)}, #{("x"):rep(200):byte(1, -1)}, count((""):byte())) --> expect: 2\t3\t128\t200\t0
local x, y, z = ("ab"):byte(1, 2)
print(x, y, z, pcall(string.byte, "a", 1, {})) --> expect: 97\t98\tnil\tfalse\tbad argument #3 to 'string.byte' (number expected, got table)

-- gsub
print(("hello"):gsub("l", "L"), (("hello"):gsub("l", "L")), ("hello"):gsub("z", "L"), ("hello"):gsub("", "-"), ("hello"):gsub("^h", "j")) --> expect: heLLo\theLLo\thello\t-h-e-l-l-o-\tjello\t1
print(("  trim  "):gsub("^%s+", ""):gsub("%s+$", ""), ("a.b"):gsub("%.", "%%"), ("a b"):gsub("%w", "<%0>"), ("abc"):gsub("%w", "%1%1", 2)) --> expect: trim\ta%b\t<a> <b>\taabbc\t2
print(("x"):rep(300):gsub("x", "yy"):len(), ("x"):rep(600):gsub("x", ""):len(), ("aaa"):gsub("a", "b", 2), ("aaa"):gsub("a", 1), count(("q"):gsub("q", "r"))) --> expect: 600\t0\tbba\t111\t2\tr\t1
print(pcall(string.gsub, "a", "a", "%2"), pcall(string.gsub, "a", "a"), pcall(string.gsub, "a", "a", true)) --> expect: false\tfalse\tfalse\tbad argument #3 to 'string.gsub' (string/function/table expected)

-- format
local f = string.format
print(f("%d %s %5.2f|%-6s|%6s|%.2s|%x %X %o %c %% %i %u", 1, "two", 3.25, "l", "r", "cut", 255, 255, 8, 65, -7, 9)) --> expect: 1 two  3.25|l     |     r|cu|ff FF 10 A % -7 9
print(f("%s %s %s %s", 1, 1.5, true, nil), f("%d", 3.0), f("%d", "10"), f("%5d|%-5d|%05d|%+d", 1, 2, 3, 4), f("%g %e %a", 0.1, 1e10, 1), f("%q", 'a\n"b"')) --> expect: 1 1.5 true nil\t3\t10\t    1|2    |00003|+4\t0.1 1.000000e+10 0x1p+0\t"a\\ --> expect: \\"b\\""
print(f("%s", ("x"):rep(600)):len(), f("%s%s", ("x"):rep(300), ("y"):rep(300)):len(), f("%10.4s|", "abcdefgh"), f("%-10s|", "a"), f("%s", "with\0zero"):len(), f(""), f("%%")) --> expect: 600\t600\t      abcd|\ta         |\t9\t\t%
print(f("%20s", 1.5), f("%-20s|", 10), f("%.3s", 12345), f("%s", -0.0), f("%d", math.mininteger), f("%s", math.mininteger)) --> expect:                  1.5\t10                  |\t123\t-0.0\t-9223372036854775808\t-9223372036854775808
for _, case in ipairs {{"%d"}, {"%d", 1.5}, {"%d", "x"}, {"%d", {}}, {"%y", 1}, {"%"}, {"%10"}, {"%123d", 1}, {"%.123d", 1}, {"%s"}, {"%5s", "a\0b"}, {"%f", "x"}, {"%q", {}}, {"%--------d", 1}} do
  print(pcall(function() return f(table.unpack(case)) end))
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (no value)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (number has no integer representation)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (number expected, got string)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (number expected, got table)
--> expect: false\tquick_results.lua:163: invalid option '%y' to 'format'
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (no value)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (no value)
--> expect: false\tquick_results.lua:163: invalid format (width or precision too long)
--> expect: false\tquick_results.lua:163: invalid format (width or precision too long)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (no value)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (string contains zeros)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (number expected, got string)
--> expect: false\tquick_results.lua:163: bad argument #2 to 'f' (value has no literal form)
--> expect: false\tquick_results.lua:163: invalid format (repeated flags)














end
debug.setmetatable(1, {__tostring = function(n) return "number" end})
print(f("%s %5s %d", 1, 2, 3), tostring(4)) --> expect: number number 3\tnumber
debug.setmetatable(1, nil)
print(f("%s", setmetatable({}, {__tostring = function() return "object" end})), f("%s %s", "a", 2)) --> expect: object\ta 2

-- concat
local cat = table.concat
print(cat({}), cat({}, ","), cat({1, 2.5, "x"}, ", "), cat({1, 2, 3}, ",", 2), cat({1, 2, 3}, ",", 2, 3), cat({1, 2, 3}, ",", 3, 2), cat({1, 2, 3}, 0), cat({"a", "b"}, "", 1, 1)) --> expect: \t\t1, 2.5, x\t2,3\t2,3\t\t10203\ta
local big = {}
for i = 1, 1000 do big[i] = i end
print(#cat(big), #cat(big, ", "), cat(big, "-", 998), #cat({("x"):rep(511), "y"}), #cat({("x"):rep(512), "y"}), #cat({("x"):rep(600)}), cat({("x"):rep(600)}) == ("x"):rep(600), cat({"a", ("x"):rep(600), 1.5}, "::"):sub(-8)) --> expect: 2893\t4891\t998-999-1000\t512\t513\t600\ttrue\txxx::1.5
print(#cat({"", "", ""}, ("s"):rep(300)), #cat({"a", ""}, ("s"):rep(600)), cat({("x"):rep(600), "y", 1}, "--"):sub(-7), cat({"a", "b"}, ("s"):rep(600)) == "a" .. ("s"):rep(600) .. "b") --> expect: 600\t601\tx--y--1\ttrue
print(pcall(cat, {1, {}, 3}), pcall(cat, {1, 2}, ",", 1, 3), pcall(cat, {1}, {}), pcall(cat, {1}, ",", "x"), pcall(cat)) --> expect: false\tfalse\tfalse\tfalse\tfalse\tbad argument #1 to 'table.concat' (table expected, got no value)
print(pcall(cat, {1, nil, 3}, ",", 1, 3)) --> expect: false\tinvalid value (nil) at index 2 in table for 'concat'
print(cat(setmetatable({}, {__index = function(_, i) return i * 2 end, __len = function() return 3 end}), " "), cat({[1] = "h", [2] = "i"}, "-"), cat({n = 1, "a"}, "", "1", "1")) --> expect: 2 4 6\th-i\ta

-- unpack
local unpack = table.unpack
print(unpack({1, 2, 3}), (unpack({1, 2, 3})), unpack({1, 2, 3}, 2), unpack({1, 2, 3}, 2, 3), count(unpack({1, 2, 3}, 3, 2)), count(unpack({})), count(unpack({1, nil, 3}, 1, 3))) --> expect: 1\t1\t2\t2\t0\t0\t3\t1\tnil\t3
print(count(unpack({1, 2}, 0, 3)), count(unpack({1, 2}, -1, 1)), unpack({1, 2, 3}, "2", 3), #{unpack(big)}, select("#", unpack(big, 1, 500)), unpack(big, 999)) --> expect: 4\t3\t2\t1000\t500\t999\t1000
local p, q, r, t = unpack({1, 2, 3})
print(p, q, r, t, unpack(setmetatable({}, {__index = function(_, i) return -i end}), 1, 2)) --> expect: 1\t2\t3\tnil\t-1\t-2
local function give(...) return unpack({...}) end
print(give(1, 2, 3), (give(4, 5)), pcall(unpack, {}, 1, 1e8), pcall(unpack)) --> expect: 1\t4\tfalse\tfalse\tattempt to get length of a nil value

-- pairs, ipairs
local iterator, state, control, more = pairs(big)
print(iterator == next, state == big, control, more, select("#", pairs({}))) --> expect: true\ttrue\tnil\tnil\t3
iterator, state, control, more = ipairs(big)
print(type(iterator), state == big, control, more, select("#", ipairs({})), (ipairs(big)) == iterator) --> expect: function\ttrue\t0\tnil\t3\ttrue
print((pcall(pairs)), (pcall(ipairs)), (pcall(pairs, 1)), pcall(ipairs)) --> expect: false\tfalse\ttrue\tfalse\tbad argument #1 to 'ipairs' (value expected)
local function tail_pairs(t) return pairs(t) end
for k, v in tail_pairs {10} do print(k, v) end --> expect: 1\t10
for k, v in pairs(setmetatable({}, {__pairs = function(t) return function(_, k) if not k then return 1, 2 end end, t end})) do print(k, v) end --> expect: 1\t2

-- Deep in the stack, where there may be no room for results.
local function deep(n) if n == 0 then return count(unpack(big, 1, 200)) end local r = deep(n - 1) return r end
print((deep(150)), select("#", unpack(big))) --> expect: 200\t1000






























































