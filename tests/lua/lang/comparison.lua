-- Manual §3.4.4: relational operators; integers and floats compare by their mathematical values.
print(1 == 1.0, 1 < 1.5, -0.0 == 0.0, 0 / 0 == 0 / 0, 0 / 0 < 1, 1 < 0 / 0) --> expect: true\ttrue\ttrue\tfalse\tfalse\tfalse
print(math.maxinteger < math.maxinteger + 1.0, math.maxinteger + 1.0 == 2 ^ 63, math.mininteger == -2 ^ 63) --> expect: true\ttrue\ttrue
print(2 ^ 53 == 2 ^ 53 + 1, (1 << 53) == (1 << 53) + 1, (1 << 53) + 1 == 2 ^ 53) --> expect: true\tfalse\tfalse
print(math.maxinteger < math.huge, math.mininteger > -math.huge, math.maxinteger <= 2 ^ 63, math.maxinteger >= 2 ^ 63) --> expect: true\ttrue\ttrue\tfalse
print("a" < "b", "a" < "B", "" < "a", "a\0b" < "a\0c", "Z" < "a", "10" < "9") --> expect: true\tfalse\ttrue\ttrue\ttrue\ttrue
print("1" == 1, nil == false, {} == {}, print == print) --> expect: false\tfalse\tfalse\ttrue
print(pcall(function() return 1 < "2" end)) --> expect: false\tcomparison.lua:8: attempt to compare number with string
print(pcall(function() return {} < {} end)) --> expect: false\tcomparison.lua:9: attempt to compare two table values
print(pcall(function() return nil <= 1 end)) --> expect: false\tcomparison.lua:10: attempt to compare nil with number
print(pcall(function() return print < print end)) --> expect: false\tcomparison.lua:11: attempt to compare two function values
print(1 ~= 1.0, "a" ~= "a", not (1 < 2), 1 >= 1.0) --> expect: false\tfalse\tfalse\ttrue
local t = { [1] = "int", [2 ^ 53] = "big" }
print(t[1.0], t[1 << 53], #t) --> expect: int\tbig\t1
