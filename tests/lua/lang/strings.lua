-- Manual §3.1: literals.
local escapes = "tab\tquote\" backslash\\ \65\066\x41 \z
       skipped"
print(escapes, 'single "double"') --> expect: tab\tquote" backslash\\ ABA skipped\tsingle "double"
local long = [[
first newline skipped]]
local continued = "two\
lines"
print(long, #[==[with ]] inside]==], continued == "two\nlines") --> expect: first newline skipped\t14\ttrue
print(#"\0\0", "\u{48}\u{20AC}", #"\u{10FFFF}", '\'', "\a\b\f\v" == "\7\8\12\11") --> expect: 2\tH€\t4\t'\ttrue
print(0xA, 0Xa.8p1, 0x.1, 3e2, .5, 5., 0x1p-2, 1e+2, 9223372036854775807, 9223372036854775808, 0xffffffffffffffffff) --> expect: 10\t21.0\t0.0625\t300.0\t0.5\t5.0\t0.25\t100.0\t9223372036854775807\t9.2233720368548e+18\t-1
print("a" .. "b" .. 1 .. 2.0, 1 .. "") --> expect: ab12.0\t1
print(#"abc" + 1, -"2", - -"0x10", "10" / 2) --> expect: 4\t-2.0\t16.0\t5.0
print(load("return 'a\nb'")) --> expect: nil\t[string "return 'a..."]:1: unfinished string near ''a'
print(load("return '\\q'")) --> expect: nil\t[string "return '\\q'"]:1: invalid escape sequence near ''\\q'
print(load("return '\\300'")) --> expect: nil\t[string "return '\\300'"]:1: decimal escape too large near ''\\300''
print(load("return '\\xZZ'")) --> expect: nil\t[string "return '\\xZZ'"]:1: hexadecimal digit expected near ''\\xZ'
print(load("return '\\u{110000000}'")) --> expect: nil\t[string "return '\\u{110000000}'"]:1: UTF-8 value too large near ''\\u{110000'
print(load("return 3x")) --> expect: nil\t[string "return 3x"]:1: <eof> expected near 'x'
print(load("return 0x")) --> expect: nil\t[string "return 0x"]:1: malformed number near '0x'
print(load("return [==[ x")) --> expect: nil\t[string "return [==[ x"]:1: unfinished long string (starting at line 1) near <eof>
print(load("--[[ unfinished")) --> expect: nil\t[string "--[[ unfinished"]:1: unfinished long comment (starting at line 1) near <eof>
