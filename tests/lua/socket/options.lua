-- Options of every kind of socket.
local socket = require "socket"
local unix = require "socket.unix"
local function show(...)
  local values = table.pack(...)
  for i = 1, values.n do
    if type(values[i]) == "table" then values[i] = ("on=%s timeout=%s"):format(values[i].on, values[i].timeout) end
    values[i] = tostring(values[i])
  end
  print(table.concat(values, "\t"))
end

local tcp = assert(socket.tcp4())
for _, name in ipairs { "keepalive", "reuseaddr", "reuseport", "tcp-nodelay" } do
  print(name, tcp:getoption(name), tcp:setoption(name, true), tcp:getoption(name), tcp:setoption(name, false), tcp:getoption(name))
--> expect: keepalive\tfalse\t1.0\ttrue\t1.0\tfalse
--> expect: reuseaddr\tfalse\t1.0\ttrue\t1.0\tfalse
--> expect: reuseport\tfalse\t1.0\ttrue\t1.0\tfalse
--> expect: tcp-nodelay\tfalse\t1.0\ttrue\t1.0\tfalse
end
for name, value in pairs { ["tcp-keepidle"] = 77 } do print(name, tcp:setoption(name, value), tcp:getoption(name)) end --> expect: tcp-keepidle\t1.0\t77.0
print(tcp:setoption("tcp-keepcnt", 5), tcp:getoption("tcp-keepcnt")) --> expect: 1.0\t5.0
print(tcp:setoption("tcp-keepintvl", 33.9), tcp:getoption("tcp-keepintvl")) --> expect: 1.0\t33.0
show(tcp:getoption("linger")) --> expect: on=false timeout=0
print(tcp:setoption("linger", { on = true, timeout = 5 })) --> expect: 1.0
show(tcp:getoption("linger")) --> expect: on=true timeout=5
print(tcp:setoption("linger", { on = false, timeout = "0" })) --> expect: 1.0
show(tcp:getoption("linger")) --> expect: on=false timeout=5
print(tcp:getoption("error")) --> expect: nil
print(tcp:setoption("recv-buffer-size", 20000), tcp:getoption("recv-buffer-size") >= 20000) --> expect: 1.0\ttrue
print(tcp:setoption("send-buffer-size", 20000), tcp:getoption("send-buffer-size") >= 20000) --> expect: 1.0\ttrue
print(tcp:setoption("tcp-keepcnt", "no number")) --> expect: nil\tsetsockopt failed
print(tcp:setoption("tcp-keepcnt")) --> expect: nil\tsetsockopt failed
print(socket.tcp6() == nil or socket.tcp6():setoption("ipv6-v6only", true) == 1) --> expect: true

-- What is wrong.
local function try(object, method, ...)
  local values = table.pack(...)
  print(pcall(function() return object[method](object, table.unpack(values, 1, values.n)) end))
end
try(tcp, "setoption", "keepalive") --> expect: false\toptions.lua:39: bad argument #3 to '?' (boolean expected, got no value)
try(tcp, "setoption", "keepalive", 1) --> expect: false\toptions.lua:39: bad argument #3 to '?' (boolean expected, got number)
try(tcp, "setoption", "linger", true) --> expect: false\toptions.lua:39: bad argument #3 to '?' (table expected, got boolean)
try(tcp, "setoption", "linger", {}) --> expect: false\toptions.lua:39: bad argument #3 to '?' (boolean 'on' field expected)
try(tcp, "setoption", "linger", { on = 1, timeout = 1 }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (boolean 'on' field expected)
try(tcp, "setoption", "linger", { on = true }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (number 'timeout' field expected)
try(tcp, "setoption", "linger", { on = true, timeout = "x" }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (number 'timeout' field expected)
try(tcp, "setoption", "no-such-option", true) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `no-such-option')
try(tcp, "getoption", "no-such-option") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `no-such-option')
try(tcp, "getoption", ("long"):rep(20)) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `longlonglonglonglonglonglonglonglon')
try(tcp, "setoption", "error", 1) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `error')
try(tcp, "getoption", "ipv6-v6only") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `ipv6-v6only')
try(tcp, "getoption", "broadcast") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `broadcast')
try(tcp, "getoption") --> expect: false\toptions.lua:39: bad argument #2 to '?' (string expected, got no value)
try(tcp, "setoption") --> expect: false\toptions.lua:39: bad argument #2 to '?' (string expected, got no value)
try(tcp, "setoption", "keepalive", setmetatable({}, { __name = "MINE" })) --> expect: false\toptions.lua:39: bad argument #3 to '?' (boolean expected, got table)

-- On a socket without descriptor.
local none = socket.tcp()
print(none:getoption("keepalive")) --> expect: nil\tgetsockopt failed
print(none:setoption("keepalive", true)) --> expect: nil\tsetsockopt failed
print(none:getoption("linger")) --> expect: nil\tgetsockopt failed
print(none:getoption("error")) --> expect: nil\tgetsockopt failed
print(none:setoption("linger", { on = true, timeout = 1 })) --> expect: nil\tsetsockopt failed
tcp:close()
print(tcp:getoption("tcp-nodelay")) --> expect: nil\tgetsockopt failed

local udp = assert(socket.udp4())
for _, name in ipairs { "dontroute", "broadcast", "reuseaddr", "reuseport", "ip-multicast-loop" } do
  print(name, udp:setoption(name, true), udp:getoption(name), udp:setoption(name, false), udp:getoption(name))
--> expect: dontroute\t1.0\ttrue\t1.0\tfalse
--> expect: broadcast\t1.0\ttrue\t1.0\tfalse
--> expect: reuseaddr\t1.0\ttrue\t1.0\tfalse
--> expect: reuseport\t1.0\ttrue\t1.0\tfalse
--> expect: ip-multicast-loop\t1.0\ttrue\t1.0\tfalse
end
print(udp:getoption("ip-multicast-if")) --> expect: 0.0.0.0
print(udp:setoption("ip-multicast-if", "*")) --> expect: 1.0
print(udp:setoption("ip-multicast-if", "127.0.0.1")) --> expect: 1.0
print(udp:setoption("ip-multicast-ttl", 3)) --> expect: 1.0
print(udp:getoption("error")) --> expect: nil
print(udp:setoption("recv-buffer-size", 20000), udp:getoption("recv-buffer-size") >= 20000) --> expect: 1.0\ttrue
print(udp:setoption("send-buffer-size", 20000), udp:getoption("send-buffer-size") >= 20000) --> expect: 1.0\ttrue
try(udp, "setoption", "ip-multicast-if", "no address") --> expect: false\toptions.lua:39: bad argument #3 to '?' (ip expected)
try(udp, "setoption", "ip-multicast-if") --> expect: false\toptions.lua:39: bad argument #3 to '?' (string expected, got no value)
try(udp, "setoption", "ip-add-membership", 1) --> expect: false\toptions.lua:39: bad argument #3 to '?' (table expected, got number)
try(udp, "setoption", "ip-add-membership", {}) --> expect: false\toptions.lua:39: bad argument #3 to '?' (string 'multiaddr' field expected)
try(udp, "setoption", "ip-add-membership", { multiaddr = "no address" }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (invalid 'multiaddr' ip address)
try(udp, "setoption", "ip-add-membership", { multiaddr = "239.1.2.3" }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (string 'interface' field expected)
try(udp, "setoption", "ip-add-membership", { multiaddr = "239.1.2.3", interface = "no address" }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (invalid 'interface' ip address)
try(udp, "setoption", "ip-drop-membership", { multiaddr = "127.0.0.1", interface = "*" }) --> expect: true\tnil\tsetsockopt failed
try(udp, "setoption", "ipv6-add-membership", { multiaddr = "1.2.3.4" }) --> expect: false\toptions.lua:39: bad argument #3 to '?' (invalid 'multiaddr' ip address)
try(udp, "setoption", "ipv6-add-membership", {}) --> expect: false\toptions.lua:39: bad argument #3 to '?' (string 'multiaddr' field expected)
try(udp, "getoption", "ip-multicast-ttl") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `ip-multicast-ttl')
try(udp, "getoption", "ip-add-membership") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `ip-add-membership')
try(udp, "setoption", "error") --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `error')
try(udp, "setoption", "tcp-nodelay", true) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `tcp-nodelay')
local six = socket.udp6()
if six then
  print(six:setoption("ipv6-unicast-hops", 7), six:getoption("ipv6-unicast-hops")) --> expect: 1.0\t7.0
  print(six:setoption("ipv6-multicast-loop", false), six:getoption("ipv6-multicast-loop")) --> expect: 1.0\tfalse
  print(six:setoption("ipv6-multicast-loop", true), six:getoption("ipv6-multicast-loop")) --> expect: 1.0\ttrue
  print(six:getoption("ipv6-v6only")) --> expect: true
end

local stream, dgram = unix.stream(), unix.dgram()
print(stream:setoption("keepalive", true), stream:setoption("reuseaddr", true)) --> expect: 1.0\t1.0
print(stream:setoption("linger", { on = true, timeout = 1 })) --> expect: 1.0
print(dgram:setoption("reuseaddr", true)) --> expect: 1.0
try(stream, "setoption", "tcp-nodelay", true) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `tcp-nodelay')
try(dgram, "setoption", "keepalive", true) --> expect: false\toptions.lua:39: bad argument #2 to '?' (unsupported option `keepalive')
print(stream.getoption, dgram.getoption) --> expect: nil\tnil
