-- Manual §6.5.
print(utf8.char(72, 228, 8364, 0x10FFFF), utf8.char(), #utf8.char(0x7FFFFFFF), utf8.charpattern == "[\0-\x7F\xC2-\xF4][\x80-\xBF]*")
print(utf8.len("häß€"), utf8.len(""), utf8.len("abc", 2), utf8.len("abc", 4), utf8.len("\xff"), utf8.len("ab\x80"))
print(utf8.codepoint("häß", 1, -1))
print(utf8.codepoint("€"), utf8.offset("a€b", 3), utf8.offset("a€b", -1), utf8.offset("a€b", 0, 3), utf8.offset("a€b", 5), utf8.offset("abc", 4))
for position, code in utf8.codes("aé€") do io.write(position, ":", code, " ") end
print()
for c in ("aé€"):gmatch(utf8.charpattern) do io.write("<", c, ">") end
print()
print(pcall(utf8.codepoint, "\xff"))
print(pcall(utf8.codepoint, "abc", 1, 10))
print(pcall(utf8.char, -1))
print(pcall(utf8.char, 0x80000000))
print(pcall(utf8.offset, "a€b", 1, 3))
print(pcall(utf8.len, "abc", 5))
print(pcall(function() for _ in utf8.codes("a\xffb") do end end))
print(utf8.len("\u{D7FF}"), utf8.len("\xed\xa0\x80"), utf8.len("\xf4\x90\x80\x80"), utf8.len("\xc0\x80"))
