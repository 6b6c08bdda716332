-- Conversions between integers and floats, to the last bit.
print(3 | 0, 2 ^ 31 | 0, -2 ^ 63 | 0, pcall(function() return 2 ^ 63 | 0 end)) --> expect: 3\t2147483648\t-9223372036854775808\tfalse\tinteger_division.lua:2: number has no integer representation
print(1e308 * 10, -1e308 * 10, 2 ^ 1023 * 2, 5e-324, 5e-324 / 2) --> expect: inf\t-inf\tinf\t4.9406564584125e-324\t0.0
print(0.1 + 0.2, 0.1 + 0.2 == 0.3, 1e15 + 0.5, 123456.789e3) --> expect: 0.3\tfalse\t1e+15\t123456789.0
print(string.format("%.17g %.17g %.17g", 0.1, 1 / 3, 2 ^ 0.5)) --> expect: 0.10000000000000001 0.33333333333333331 1.4142135623730951
print(9007199254740993, 9007199254740993.0, 2 ^ 63, -2 ^ 63) --> expect: 9007199254740993\t9.007199254741e+15\t9.2233720368548e+18\t-9.2233720368548e+18
print(1 // 1e-308, 5 // 0.3, -5 // 0.3, 5.3 % 0.7, -5.3 % 0.7, 5.3 % -0.7) --> expect: 1e+308\t16.0\t-17.0\t0.4\t0.3\t-0.3
print(math.maxinteger // 1.0, math.maxinteger % 2.0, 1e308 % 3) --> expect: 9.2233720368548e+18\t0.0\t2.0
print(tostring(1e15), tostring(-1e15), tostring(1e14), 1e15 // 1, 2 ^ 24) --> expect: 1e+15\t-1e+15\t1e+14\t1e+15\t16777216.0
print(-0.0, 0.0, -0.0 == 0, 1 / -0.0, tostring(0 / 0):gsub("-", "")) --> expect: -0.0\t0.0\ttrue\t-inf\tnan\t1
print(tonumber("0x1p4"), tonumber("0x.8"), tonumber("1e1"), tonumber("0x1P-1"), tonumber("1e"), tonumber("0x")) --> expect: 16.0\t0.5\t10.0\t0.5\tnil\tnil
print(tonumber("9223372036854775807"), tonumber("9223372036854775808"), tonumber("-9223372036854775808")) --> expect: 9223372036854775807\t9.2233720368548e+18\t-9223372036854775808
print(tonumber("0xffffffffffffffff"), tonumber("0x1ffffffffffffffff"), tonumber("1" .. ("0"):rep(30))) --> expect: -1\t-1\t1e+30
