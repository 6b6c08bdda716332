-- Manual §6.9.
print(type(os.time()), math.type(os.time()), type(os.clock()), os.getenv("NO_SUCH_VARIABLE_HERE"), type(os.getenv("PATH"))) --> expect: number\tinteger\tnumber\tnil\tstring
print(os.time { year = 2020, month = 1, day = 1, hour = 12 } - os.time { year = 2019, month = 12, day = 31, hour = 12 }) --> expect: 86400
print(os.date("!%Y-%m-%d %H:%M:%S", 0), os.date("!%A %B %j %p %y %%", 86400 * 45)) --> expect: 1970-01-01 00:00:00\tSunday February 046 AM 70 %
local t = os.date("!*t", 1e9)
print(t.year, t.month, t.day, t.hour, t.min, t.sec, t.wday, t.yday, t.isdst) --> expect: 2001\t9\t9\t1\t46\t40\t1\t252\tfalse
local normal = { year = 2021, month = 14, day = -3, hour = 12 }
os.time(normal)
print(normal.year, normal.month, normal.day, normal.yday) --> expect: 2022\t1\t28\t28
print(os.difftime(10, 4), os.setlocale(nil), os.setlocale("C"), os.setlocale("no such locale")) --> expect: 6.0\tC\tC\tnil
print(pcall(os.date, "%Ez", 0)) --> expect: false\tbad argument #1 to 'os.date' (invalid conversion specifier '%Ez')
print(pcall(os.date, "%Q", 0)) --> expect: false\tbad argument #1 to 'os.date' (invalid conversion specifier '%Q')
print(select(2, pcall(os.date, "%\200z", 0)) == "bad argument #1 to 'os.date' (invalid conversion specifier '%\200z')") --> expect: true
print(pcall(os.time, { year = 2020 })) --> expect: false\tfield 'day' missing in date table
print(pcall(os.time, { year = "x", month = 1, day = 1 })) --> expect: false\tfield 'year' is not an integer
print(pcall(os.time, { year = 2020, month = 1.5, day = 1 })) --> expect: false\tfield 'month' is not an integer
print(pcall(os.time, { year = 1 << 40, month = 1, day = 1 })) --> expect: false\tfield 'year' is out-of-bound
print(os.remove("/no/such/file")) --> expect: nil\t/no/such/file: No such file or directory\t2
print(os.rename("/no/such/file", "/tmp/x")) --> expect: nil\tNo such file or directory\t2
local name = os.tmpname()
io.open(name, "w"):close()
print(os.rename(name, name .. ".2"), os.remove(name .. ".2")) --> expect: true\ttrue
print(os.execute("exit 3")) --> expect: nil\texit\t3
print(os.execute("true"), os.execute()) --> expect: true\ttrue
