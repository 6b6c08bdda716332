-- string.format, manual §6.4
print(string.format("%d %5d|%-5d|%05d|%+d|% d", 1, 2, 3, 4, 5, 6)) --> expect: 1     2|3    |00004|+5| 6
print(string.format("%i %u %c%c %o %x %X %#x %#o", 7, 8, 72, 105, 8, 255, 255, 255, 8)) --> expect: 7 8 Hi 10 ff FF 0xff 010
print(string.format("%f %.2f %10.3f|%-10.1f|%+.0f %#.0f", 1.5, 1.555, math.pi, 2.25, 3.5, 4)) --> expect: 1.500000 1.55      3.142|2.2       |+4 4.
print(string.format("%e %.3E %g %G %g %g %g", 12345.678, 0.00012, 1e20, 1e-10, 100000, 1e6, 0.1)) --> expect: 1.234568e+04 1.200E-04 1e+20 1E-10 100000 1e+06 0.1
print(string.format("%a %A", 1, 0.5)) --> expect: 0x1p+0 0X1P-1
print(string.format("%s %10s|%-10s|%.2s|%s %s", "text", "right", "left", "cut", nil, true)) --> expect: text      right|left      |cu|nil true
print(string.format("%q", 'a "quoted"\nline\\ \0 \r end')) --> expect: "a \\"quoted\\"\\ --> expect: line\\\\ \\0 \\13 end"
print(string.format("%q %q %q %q", 1, 1.5, true, nil), string.format("%q", math.mininteger)) --> expect: 1 0x1.8p+0 true nil\t0x8000000000000000
print(string.format("%5s|%-5s|%5.1s|", "ab", "ab", "ab"), string.format("%%")) --> expect:    ab|ab   |    a|\t%
print(string.format("%d", 3.0), string.format("%s", 1e15), string.format("%.20s", "short"), string.format("%.0f", 0.5)) --> expect: 3\t1e+15\tshort\t0
print(string.format("%s %s", 1, 1.0), string.format("%x", -1), string.format("%g %f", math.huge, -math.huge)) --> expect: 1 1.0\tffffffffffffffff\tinf -inf
print(string.format("%s", setmetatable({}, { __tostring = function() return "custom" end }))) --> expect: custom
print(string.format("%-20s|%20s|", "a", "b"), string.format("%.3d", 7), string.format("%+.3d|% .3d", 7, 7)) --> expect: a                   |                   b|\t007\t+007| 007
print(pcall(string.format, "%d", 1.5)) --> expect: false\tbad argument #2 to 'string.format' (number has no integer representation)
print(pcall(string.format, "%d", "x")) --> expect: false\tbad argument #2 to 'string.format' (number expected, got string)
print(pcall(string.format, "%d")) --> expect: false\tbad argument #2 to 'string.format' (no value)
print(pcall(string.format, "%y", 1)) --> expect: false\tinvalid option '%y' to 'format'
print(pcall(string.format, "%", 1)) --> expect: false\tinvalid option '%<\\0>' to 'format'
print(pcall(string.format, "%0123d", 1)) --> expect: false\tinvalid format (width or precision too long)
print(pcall(string.format, "%.123d", 1)) --> expect: false\tinvalid format (width or precision too long)
print(pcall(string.format, "%c", "x")) --> expect: false\tbad argument #2 to 'string.format' (number expected, got string)
print(pcall(string.format, "%10q", "x")) --> expect: true\t"x"
print(pcall(string.format, "%q", {})) --> expect: false\tbad argument #2 to 'string.format' (value has no literal form)
print(#string.format("%s", ("x"):rep(1000)), #string.format("%99.99f", 1e300), #string.format("%.99f", 1 / 3)) --> expect: 1000\t401\t101
