-- tonumber (e [, base]), tostring, type, manual §6.1
print(tonumber(10), tonumber("10"), tonumber("10.5"), tonumber("  0x1F  "), tonumber("1e3"), tonumber("abc")) --> expect: 10\t10\t10.5\t31\t1000.0\tnil
print(tonumber(""), tonumber(" "), tonumber("1 2"), tonumber("1_000"), tonumber(nil), tonumber({})) --> expect: nil\tnil\tnil\tnil\tnil\tnil
print(tonumber("ff", 16), tonumber("FF", 16), tonumber("zz", 36), tonumber("777", 8), tonumber("8", 8), tonumber("-7f", 16)) --> expect: 255\t255\t1295\t511\tnil\t-127
print(tonumber("1010", 2), tonumber("  11  ", 2), tonumber("", 10), tonumber("9" .. ("9"):rep(20), 10)) --> expect: 10\t3\tnil\t3875820019684212735
print(pcall(tonumber, "10", 1)) --> expect: false\tbad argument #2 to 'tonumber' (base out of range)
print(pcall(tonumber, "10", 37)) --> expect: false\tbad argument #2 to 'tonumber' (base out of range)
print(pcall(tonumber, 10, 10)) --> expect: false\tbad argument #1 to 'tonumber' (string expected, got number)
print(pcall(tonumber)) --> expect: false\tbad argument #1 to 'tonumber' (value expected)
print(tonumber("inf"), tonumber("nan"), tonumber("0x"), tonumber("1e+"), tonumber("."), tonumber("0x.p1")) --> expect: nil\tnil\tnil\tnil\tnil\tnil
print(tonumber("1."), tonumber(".5"), tonumber("5e-1"), tonumber("\t7\n"), tonumber("7\0")) --> expect: 1.0\t0.5\t0.5\t7\tnil
print(tostring(nil), tostring(true), tostring(1), tostring(1.0), tostring(-0.0), tostring("x"), tostring(2 ^ 100)) --> expect: nil\ttrue\t1\t1.0\t-0.0\tx\t1.2676506002282e+30
print(tostring(print):match("^builtin: ") or tostring(print):match("^function: "), tostring({}):match("^table: ")) --> expect: function: \ttable: 
print(type(nil), type(1), type(1.5), type("x"), type({}), type(print), type(coroutine.create(print)), type(io.stdout)) --> expect: nil\tnumber\tnumber\tstring\ttable\tfunction\tthread\tuserdata
print(pcall(type)) --> expect: false\tbad argument #1 to 'type' (value expected)
print(pcall(tostring)) --> expect: false\tbad argument #1 to 'tostring' (value expected)
print(pcall(tostring, setmetatable({}, { __tostring = function() return 1 end }))) --> expect: true\t1
print(tostring(setmetatable({}, { __name = "MyType" })):match("^MyType: ")) --> expect: MyType: 
