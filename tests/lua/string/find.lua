-- string.find, string.match, manual §6.4
print(("hello world"):find("wor"), ("hello"):find("l"), ("hello"):find("xyz"), ("hello"):find("")) --> expect: 7\t3\tnil\t1\t0
print(("hello"):find("l", 4), ("hello"):find("l", -2), ("hello"):find("", 10), ("hello"):find("", 6)) --> expect: 4\t4\tnil\t6\t5
print(("a.b"):find(".", 1, true), ("a.b"):find("%."), ("a+b"):find("+", 1, true), ("a\0b"):find("\0")) --> expect: 2\t2\t2\t2\t2
print(("key = value"):find("(%w+)%s*=%s*(%w+)")) --> expect: 1\t11\tkey\tvalue
print(("key = value"):match("(%w+)%s*=%s*(%w+)"), ("abc"):match("b"), ("abc"):match("x"), ("abc"):match("()b()")) --> expect: key\tb\tnil\t2\t3
print(("2024-01-15"):match("(%d+)-(%d+)-(%d+)")) --> expect: 2024\t01\t15
print(("  trim  "):match("^%s*(.-)%s*$") .. "|", ("[[x]]"):match("%[%[(.*)%]%]")) --> expect: trim|\tx
print(("f(a(b)c)d"):match("%b()"), ("THE (quick) fox"):find("%((%a+)%)"), ("x"):match("^(x?)(y?)$")) --> expect: (a(b)c)\t5\tx\t
print(("THE (quick) fox"):gsub("%f[%a]%a+", "W"), ("hello"):match(".-l"), ("hello"):match(".*l")) --> expect: W (W) W\thel\thell
print(("abc123"):match("%a+"), ("abc123"):match("%d+"), ("a_b"):match("[%w_]+"), ("a-b"):match("[a%-]+"), ("]"):match("[]]")) --> expect: abc\t123\ta_b\ta-\t]
print(("^x"):match("[%^x]+"), ("abc"):match("[^a]+"), ("a\nb"):match("a.b") == "a\nb", ("\0a"):match("%z")) --> expect: ^x\tbc\ttrue\t\0
print(("aaa"):find("a-", 2), ("aaa"):match("^a-$"), ("aXb"):match("%u"), ("aXb"):match("%l%u%l")) --> expect: 2\taaa\tX\taXb
print(("\"quoted\" 'text'"):match("([\"'])(.-)%1")) --> expect: "\tquoted
print(pcall(string.find, "a", "[a")) --> expect: false\tmalformed pattern (missing ']')
print(pcall(string.find, "a", "(a")) --> expect: false\tunfinished capture
print(pcall(string.find, "a", "a)")) --> expect: true\tnil
print(pcall(string.find, "a", "%")) --> expect: false\tmalformed pattern (ends with '%')
print(pcall(string.find, "a", "%f")) --> expect: false\tmissing '[' after '%f' in pattern
print(pcall(string.find, "a", "%b")) --> expect: false\tmalformed pattern (missing arguments to '%b')
print(pcall(string.find, "a", "%1")) --> expect: false\tinvalid capture index %1
print(pcall(string.find, "a", ("(a"):rep(40))) --> expect: true\tnil
