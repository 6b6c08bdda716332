-- string.pack, packsize, unpack, manual §6.4.2
local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
print(hex(string.pack("<i4", 1)), hex(string.pack(">i4", 1)), hex(string.pack("<I2", 0xABCD)), hex(string.pack("b", -1))) --> expect: 01000000\t00000001\tcdab\tff
print(hex(string.pack(">i16", -2)), hex(string.pack("<i3", -3)), hex(string.pack("=I1", 200))) --> expect: fffffffffffffffffffffffffffffffe\tfdffff\tc8
print(hex(string.pack("z", "hi")), hex(string.pack("s1", "hi")), hex(string.pack("<s2", "hi")), hex(string.pack("c5", "hi"))) --> expect: 686900\t026869\t02006869\t6869000000
print(hex(string.pack(">d", 1.5)), hex(string.pack("<f", 1.5)), hex(string.pack("<j", -1)), hex(string.pack("<n", 0))) --> expect: 3ff8000000000000\t0000c03f\tffffffffffffffff\t0000000000000000
print(hex(string.pack("!4 <b i4", 1, 2)), hex(string.pack("<b x h", 1, 2)), hex(string.pack("<!8 b Xi8 i8", 1, 2))) --> expect: 0100000002000000\t01000200\t01000000000000000200000000000000
print(string.packsize("i4 i8"), string.packsize("!8 i4 i8"), string.packsize("b h i j"), string.packsize("<!4 b i8")) --> expect: 12\t16\t15\t12
print(string.unpack("<i4", "\1\0\0\0"), string.unpack(">I2 I2", "\0\1\0\2")) --> expect: 1\t1\t2\t5
print(string.unpack("z s1 c2", "hi\0\2yozz"), string.unpack("<i2", "xx\1\0", 3), string.unpack("b", "\255", -1)) --> expect: hi\t1\t-1\t2
print(string.unpack("<i16", string.pack("<i16", math.mininteger))) --> expect: -9223372036854775808\t17
print(pcall(string.pack, "i1", 200)) --> expect: false\tbad argument #2 to 'string.pack' (integer overflow)
print(pcall(string.pack, "I1", -1)) --> expect: false\tbad argument #2 to 'string.pack' (unsigned overflow)
print(pcall(string.pack, "i17", 1)) --> expect: false\tintegral size (17) out of limits [1,16]
print(pcall(string.pack, "c1", "xx")) --> expect: false\tbad argument #2 to 'string.pack' (string longer than given size)
print(pcall(string.pack, "z", "a\0b")) --> expect: false\tbad argument #2 to 'string.pack' (string contains zeros)
print(pcall(string.pack, "y", 1)) --> expect: false\tinvalid format option 'y'
print(pcall(string.unpack, "i4", "abc")) --> expect: false\tbad argument #2 to 'string.unpack' (data string too short)
print(pcall(string.unpack, "z", "abc")) --> expect: true\tabc\t5
print(pcall(string.unpack, "<i16", ("\255"):rep(8) .. ("\1"):rep(8))) --> expect: false\t16-byte integer does not fit into Lua Integer
print(pcall(string.packsize, "s")) --> expect: false\tbad argument #1 to 'string.packsize' (variable-length format)
print(pcall(string.unpack, "b", "x", 5)) --> expect: false\tbad argument #3 to 'string.unpack' (initial position out of string)
print(pcall(string.pack, "!3 i4", 1)) --> expect: false\tbad argument #1 to 'string.pack' (format asks for alignment not power of 2)
