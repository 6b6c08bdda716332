-- Manual §3.4.2: bitwise operators work on 64-bit integers.
print(5 & 3, 5 | 3, 5 ~ 3, ~5, ~0) --> expect: 1\t7\t6\t-6\t-1
print(1 << 0, 1 << 63, 1 << 64, 1 << -1, 2 >> 1, -1 >> 63, -1 >> 64, 1 >> -4) --> expect: 1\t-9223372036854775808\t0\t0\t1\t1\t0\t16
print(0xFF & 0x0F, 0xF0 | 0x0F, 0xFFFFFFFFFFFFFFFF, 0x7FFFFFFFFFFFFFFF + 1 == math.mininteger) --> expect: 15\t255\t-1\ttrue
print(2.0 & 3, "0xF" & 7, 2 ^ 53 | 0) --> expect: 2\t7\t9007199254740992
print(pcall(function() return 1 & 1.5 end)) --> expect: false\tbitwise.lua:6: number has no integer representation
print(pcall(function() return 1 & 2 ^ 63 end)) --> expect: false\tbitwise.lua:7: number has no integer representation
print(pcall(function() return 1 & {} end)) --> expect: false\tbitwise.lua:8: attempt to perform bitwise operation on a table value
print(pcall(function() return "a" | 1 end)) --> expect: false\tbitwise.lua:9: attempt to perform bitwise operation on a string value
print(pcall(function() return "1.5" | 1 end)) --> expect: false\tbitwise.lua:10: number has no integer representation
print(1 | 2 ~ 3 & 4 << 1, 1 << 2 + 1, ~1 & 3, (5 & 6) == 4) --> expect: 3\t8\t2\ttrue
