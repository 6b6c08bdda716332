-- string.byte, char, len, lower, upper, rep, reverse, sub, manual §6.4
print(("hello"):byte(), ("hello"):byte(2), ("hello"):byte(-1), ("hello"):byte(10)) --> expect: 104\t101\t111
print(("hello"):byte(1, -1)) --> expect: 104\t101\t108\t108\t111
print(string.char(72, 105), string.char(), #string.char(0, 255)) --> expect: Hi\t\t2
print(pcall(string.char, 256)) --> expect: false\tbad argument #1 to 'string.char' (value out of range)
print(pcall(string.char, -1)) --> expect: false\tbad argument #1 to 'string.char' (value out of range)
print(("x"):len(), #"\0\0", ("ABC"):lower(), ("abc"):upper(), ("aB1"):upper():lower()) --> expect: 1\t2\tabc\tABC\tab1
print(("ab"):rep(3), ("ab"):rep(3, "-"), ("ab"):rep(0), ("ab"):rep(-1), ("ab"):rep(1, "-"), (""):rep(1000)) --> expect: ababab\tab-ab-ab\t\t\tab\t
print((pcall(string.rep, "x", 1e18))) --> expect: false
print(("hello"):reverse(), (""):reverse()) --> expect: olleh\t
print(("hello"):sub(2), ("hello"):sub(2, 3), ("hello"):sub(-3), ("hello"):sub(-3, -2), ("hello"):sub(0), ("hello"):sub(10)) --> expect: ello\tel\tllo\tll\thello\t
print(("hello"):sub(3, 2), ("hello"):sub(-100, 100), ("hello"):sub(math.mininteger, math.maxinteger)) --> expect: \thello\thello
print(pcall(string.sub)) --> expect: false\tbad argument #1 to 'string.sub' (string expected, got no value)
print(pcall(string.sub, "x", "a")) --> expect: false\tbad argument #2 to 'string.sub' (number expected, got string)
print(pcall(string.sub, "x", 1.5)) --> expect: false\tbad argument #2 to 'string.sub' (number has no integer representation)
print(pcall(("x").rep, {}, 1)) --> expect: false\tbad argument #1 to 'string.rep' (string expected, got table)
