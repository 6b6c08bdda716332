-- Manual §6.5.
print(utf8.char(72, 228, 8364, 0x10FFFF), utf8.char(), #utf8.char(0x10FFFF), utf8.charpattern == "[\0-\x7F\xC2-\xF4][\x80-\xBF]*") --> expect: Hä€􏿿\t\t4\ttrue
print(utf8.len("häß€"), utf8.len(""), utf8.len("abc", 2), utf8.len("abc", 4), utf8.len("\xff"), utf8.len("ab\x80")) --> expect: 4\t0\t2\t0\tnil\tnil\t3
print(utf8.codepoint("häß", 1, -1)) --> expect: 104\t228\t223
print(utf8.codepoint("€"), utf8.offset("a€b", 3), utf8.offset("a€b", -1), utf8.offset("a€b", 0, 3), utf8.offset("a€b", 5), utf8.offset("abc", 4)) --> expect: 8364\t5\t5\t2\tnil\t4
for position, code in utf8.codes("aé€") do io.write(position, ":", code, " ") end
print() --> expect: 1:97 2:233 4:8364 
for c in ("aé€"):gmatch(utf8.charpattern) do io.write("<", c, ">") end
print() --> expect: <a><é><€>
print(pcall(utf8.codepoint, "\xff")) --> expect: false\tinvalid UTF-8 code
print(pcall(utf8.codepoint, "abc", 1, 10)) --> expect: false\tbad argument #3 to 'utf8.codepoint' (out of range)
print(pcall(utf8.char, -1)) --> expect: false\tbad argument #1 to 'utf8.char' (value out of range)
print(pcall(utf8.char, 0x80000000)) --> expect: false\tbad argument #1 to 'utf8.char' (value out of range)
print(pcall(utf8.offset, "a€b", 1, 3)) --> expect: false\tinitial position is a continuation byte
print(pcall(utf8.len, "abc", 5)) --> expect: false\tbad argument #2 to 'utf8.len' (initial position out of string)
print(pcall(function() for _ in utf8.codes("a\xffb") do end end)) --> expect: false\tlibrary.lua:16: invalid UTF-8 code
print(utf8.len("\u{D7FF}"), utf8.len("\xed\xa0\x80"), utf8.len("\xf4\x90\x80\x80"), utf8.len("\xc0\x80")) --> expect: 1\t1\tnil\tnil\t1
