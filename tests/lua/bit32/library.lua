-- The library of Lua 5.2, which the default build of the reference keeps.
print(bit32.band(), bit32.band(0xF0, 0x3C), bit32.bor(1, 2, 4), bit32.bxor(5, 1), bit32.bnot(0), bit32.bnot(-1)) --> expect: 4294967295\t48\t7\t4\t4294967295\t0
print(bit32.lshift(1, 31), bit32.lshift(1, 32), bit32.lshift(1, -1), bit32.rshift(256, 4), bit32.rshift(-1, 28), bit32.arshift(-8, 1), bit32.arshift(0x7fffffff, 31)) --> expect: 2147483648\t0\t0\t16\t15\t4294967292\t0
print(bit32.lrotate(0x80000001, 1), bit32.rrotate(1, 1), bit32.lrotate(1, 33), bit32.btest(6, 2), bit32.btest(1, 2)) --> expect: 3\t2147483648\t2\ttrue\tfalse
print(bit32.extract(0xABCD, 4, 8), bit32.extract(5, 0), bit32.replace(0, 0xF, 4, 4), bit32.replace(0xFF, 0, 0)) --> expect: 188\t1\t240\t254
print(pcall(bit32.extract, 1, 32)) --> expect: false\ttrying to access non-existent bits
print(pcall(bit32.extract, 1, 30, 5)) --> expect: false\ttrying to access non-existent bits
print(pcall(bit32.extract, 1, 0, 0)) --> expect: false\tbad argument #3 to 'bit32.extract' (width must be positive)
print(bit32.band(2 ^ 33 + 5, 0xFF), bit32.bor(-1, 0)) --> expect: 5\t4294967295
print(pcall(bit32.band, 1.5)) --> expect: false\tbad argument #1 to 'bit32.band' (number has no integer representation)
print(pcall(bit32.band, "x")) --> expect: false\tbad argument #1 to 'bit32.band' (number expected, got string)
