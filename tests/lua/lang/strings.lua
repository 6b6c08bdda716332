-- Manual §3.1: literals.
print("tab\tquote\" backslash\\ \65\066\x41 \z
       skipped", 'single "double"')
print([[long
string]], [==[with ]] inside]==])
print(#[[

x]], #"\0\0", #"\u{7FFFFFFF}", "\u{48}\u{20AC}")
print("line one\
line two")
print(0xA, 0Xa.8p1, 0x.1, 3e2, .5, 5., 0x1p-2, 1e+2, 9223372036854775807, 9223372036854775808, 0xffffffffffffffffff)
print("a" .. "b" .. 1 .. 2.0, 1 .. "")
print(#"abc" + 1, -"2", - -"0x10", "10" / 2)
print(load("return 'a\nb'"))
print(load("return '\\q'"))
print(load("return '\\300'"))
print(load("return '\\xZZ'"))
print(load("return '\\u{110000000}'"))
print(load("return 3x"))
print(load("return 0x"))
print(load("return [==[ x"))
print(load("--[[ unfinished"))
