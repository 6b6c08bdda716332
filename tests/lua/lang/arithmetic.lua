-- Manual §3.4.1: arithmetic operators on integers and floats.
print(1 + 2, 1 + 2.0, 7 - 10, 3 * 4, 3 * 0.5) --> expect: 3\t3.0\t-3\t12\t1.5
print(7 / 2, 6 / 2, 1 / 0, -1 / 0, 0 / 0 ~= 0 / 0) --> expect: 3.5\t3.0\tinf\t-inf\ttrue
print(7 // 2, -7 // 2, 7 // -2, -7 // -2, 7.0 // 2, -7 // 2.0) --> expect: 3\t-4\t-4\t3\t3.0\t-4.0
print(7 % 3, -7 % 3, 7 % -3, -7 % -3, 5.5 % 2, -5.5 % 2, 5 % math.huge, -5 % math.huge) --> expect: 1\t2\t-2\t-1\t1.5\t0.5\t5.0\tinf
print(2 ^ 10, 2 ^ -1, 2 ^ 0.5, (-8) ^ (1 / 3) ~= (-8) ^ (1 / 3)) --> expect: 1024.0\t0.5\t1.4142135623731\ttrue
print(-3, - -3, -(0), -0.0, 0.0) --> expect: -3\t3\t0\t-0.0\t0.0
print(math.maxinteger + 1 == math.mininteger, math.mininteger - 1 == math.maxinteger) --> expect: true\ttrue
print(math.mininteger // -1, math.mininteger % -1, -math.mininteger) --> expect: -9223372036854775808\t0\t-9223372036854775808
print(math.maxinteger * 2, math.maxinteger * 2.0) --> expect: -2\t1.844674407371e+19
print(1e15, 1e16, 1e100, 123456789012345678, 0.1, 1 / 3, 100 // 1e-320) --> expect: 1e+15\t1e+16\t1e+100\t123456789012345678\t0.1\t0.33333333333333\tinf
print("10" + 5, "0x10" * 2, "3.0" + 1, " 10 " - 1, 10 .. 20) --> expect: 15.0\t32.0\t4.0\t9.0\t1020
print(2 ^ 3 ^ 2, -2 ^ 2, not nil == true, 1 .. 2 == "12") --> expect: 512.0\t-4.0\ttrue\ttrue
print(pcall(function() return 1 // 0 end)) --> expect: false\tarithmetic.lua:14: attempt to divide by zero
print(pcall(function() return 1 % 0 end)) --> expect: false\tarithmetic.lua:15: attempt to perform 'n%0'
print(1 // 0.0, -1 // 0.0, 1 % 0.0 ~= 1 % 0.0) --> expect: inf\t-inf\ttrue
print(pcall(function() return {} + 1 end)) --> expect: false\tarithmetic.lua:17: attempt to perform arithmetic on a table value
print(pcall(function() local t = {} return t.x.y end)) --> expect: false\tarithmetic.lua:18: attempt to index a nil value (field 'x')
print(pcall(function() return "abc" + 1 end)) --> expect: false\tarithmetic.lua:19: attempt to perform arithmetic on a string value
print(3 | 0, 3.0 | 0, "3" | 0, pcall(function() return 3.5 | 0 end)) --> expect: 3\t3\t3\tfalse\tarithmetic.lua:20: number has no integer representation
