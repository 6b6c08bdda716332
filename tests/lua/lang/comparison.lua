-- Manual §3.4.4: relational operators; integers and floats compare by their mathematical values.
print(1 == 1.0, 1 < 1.5, -0.0 == 0.0, 0 / 0 == 0 / 0, 0 / 0 < 1, 1 < 0 / 0)
print(math.maxinteger < math.maxinteger + 1.0, math.maxinteger + 1.0 == 2 ^ 63, math.mininteger == -2 ^ 63)
print(2 ^ 53 == 2 ^ 53 + 1, (1 << 53) == (1 << 53) + 1, (1 << 53) + 1 == 2 ^ 53)
print(math.maxinteger < math.huge, math.mininteger > -math.huge, math.maxinteger <= 2 ^ 63, math.maxinteger >= 2 ^ 63)
print("a" < "b", "a" < "B", "" < "a", "a\0b" < "a\0c", "Z" < "a", "10" < "9")
print("1" == 1, nil == false, {} == {}, print == print)
print(pcall(function() return 1 < "2" end))
print(pcall(function() return {} < {} end))
print(pcall(function() return nil <= 1 end))
print(pcall(function() return print < print end))
print(1 ~= 1.0, "a" ~= "a", not (1 < 2), 1 >= 1.0)
local t = { [1] = "int", [2 ^ 53] = "big" }
print(t[1.0], t[1 << 53], #t)
