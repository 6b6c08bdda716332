-- Devices, and other files that can be waited for.
local serial, socket = require "socket.serial", require "socket"
local function class(object) return (tostring(object):gsub(": 0x%x+$", "")) end
print(serial("/no/such/device")) --> expect: nil\tNo such file or directory\t2.0
print(pcall(function() return serial() end)) --> expect: false\tserial.lua:5: bad argument #1 to 'serial' (string expected, got no value)

-- A pipe with a name, open at both ends: what is sent comes back.
local path = os.tmpname()
os.remove(path)
assert(os.execute("mkfifo '" .. path .. "'"))
local device = assert(serial(path))
print(class(device), math.type(device:getfd()), device:getfd() > 2, device:dirty()) --> expect: serial{client}\tfloat\ttrue\tfalse
print(device:settimeout(0.05), device:receive()) --> expect: 1.0\tnil\ttimeout\t
print(device:send("first\r\nsecond")) --> expect: 13.0\tnil\tnil
print(device:receive()) --> expect: first\tnil\tnil
print(device:dirty(), #socket.select({ device }, nil, 0)) --> expect: true\t1
print(device:receive("*l")) --> expect: nil\ttimeout\tsecond
print(device:receive(3, "ab")) --> expect: nil\ttimeout\tab
print(device:receive("*a", "prefix")) --> expect: nil\ttimeout\tprefix
print(device:send("0123456789", 3, -3)) --> expect: 8.0\tnil\tnil
print(#socket.select({ device }, { device }, 5), (device:receive(6))) --> expect: 1\t234567
print((device:getstats()), (select(2, device:getstats()))) --> expect: 19.0\t19.0
print(device:setstats(1, 2), (device:getstats())) --> expect: 1.0\t1.0
local sent, err, last = device:send(("x"):rep(1000000))
print(sent, err, last > 0 and last < 1000000) --> expect: nil\ttimeout\ttrue
print(device:settimeout(1, "t"), pcall(device.settimeout, device, 1, "x")) --> expect: 1.0\tfalse\tbad argument #3 to '?' (invalid timeout mode)
print(device.accept, device.getoption, device.gettimeout) --> expect: nil\tnil\tnil
print(pcall(device.receive, socket.tcp())) --> expect: false\tbad argument #1 to '?' (serial{client} expected)
print(pcall(device.close, socket.tcp())) --> expect: false\tbad argument #1 to '?' (serial{any} expected)
print(pcall(device.receive, device, "*x")) --> expect: false\tbad argument #2 to '?' (invalid receive pattern)
print(device:close(), device:getfd(), class(device)) --> expect: 1.0\t-1.0\tserial{client}
print(device:send("x")) --> expect: nil\tclosed\t0.0
print(device:receive(1)) --> expect: nil\tclosed\t
os.remove(path)

-- The end of a file closes it; a full device says so.
device = assert(serial("/dev/null"))
print(device:send("gone"), device:receive()) --> expect: 4.0\tnil\tclosed\t
device = assert(serial("/dev/full"))
print(device:send("x")) --> expect: nil\tNo space left on device\t0.0
print(device:receive(2) == "\0\0") --> expect: true
