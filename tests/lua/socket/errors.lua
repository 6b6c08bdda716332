-- What goes wrong, in the original's words.
local socket = require "socket"
local function report(...) print(select("#", ...), ...) end

-- A port where nobody listens, though somebody has it.
local silent = assert(socket.tcp4())
silent:bind("127.0.0.1", 0)
local port = select(2, silent:getsockname())
report(socket.connect("127.0.0.1", port)) --> expect: 2\tnil\tconnection refused
report(socket.tcp():connect("127.0.0.1", port)) --> expect: 2\tnil\tconnection refused
report(socket.tcp4():connect("127.0.0.1", port)) --> expect: 2\tnil\tconnection refused

-- A port that somebody has.
local taken = assert(socket.bind("127.0.0.1", 0))
port = select(2, taken:getsockname())
report(socket.bind("127.0.0.1", port)) --> expect: 2\tnil\taddress already in use
report(socket.tcp():bind("127.0.0.1", port)) --> expect: 2\tnil\taddress already in use
local udp = socket.udp()
report(udp:setsockname("127.0.0.1", 0)) --> expect: 1\t1.0
report(socket.udp():setsockname("127.0.0.1", (select(2, udp:getsockname())))) --> expect: 2\tnil\taddress already in use

-- Names that are none. Without a network the resolver may say that it does not know.
local function report_name(result, message)
  message = message:gsub("^temporary failure in name resolution$", "host or service not provided, or not known")
  report(result, (message:gsub("^Host name lookup failure$", "host not found")))
end
report_name(socket.connect("host.invalid", 80)) --> expect: 2\tnil\thost or service not provided, or not known
report_name(socket.bind("host.invalid", 0)) --> expect: 2\tnil\thost or service not provided, or not known
report_name(socket.tcp():bind("host.invalid", 0)) --> expect: 2\tnil\thost or service not provided, or not known
report_name(socket.udp():setpeername("host.invalid", 80)) --> expect: 2\tnil\thost or service not provided, or not known
report_name(socket.dns.toip("host.invalid")) --> expect: 2\tnil\thost not found
report_name(socket.dns.tohostname("host.invalid")) --> expect: 2\tnil\thost not found
report_name(socket.dns.getaddrinfo("host.invalid")) --> expect: 2\tnil\thost or service not provided, or not known
report_name(socket.dns.getnameinfo("host.invalid")) --> expect: 2\tnil\thost or service not provided, or not known
report(socket.udp():sendto("x", "host.invalid", 80)) --> expect: 2\tnil\tName or service not known
report(socket.udp():sendto("x", "127.0.0.1", "no number")) --> expect: 2\tnil\tName or service not known
report(socket.connect("127.0.0.1", "no such service")) --> expect: 2\tnil\tservice not supported for socket type
report(socket.bind("127.0.0.1", "no such service")) --> expect: 2\tnil\tservice not supported for socket type
report(socket.tcp4():connect("::1", 80)) --> expect: 2\tnil\tAddress family for hostname not supported
report(socket.tcp6():connect("127.0.0.1", 80)) --> expect: 2\tnil\tAddress family for hostname not supported

-- An address that is not this machine's.
report(socket.bind("192.0.2.1", 0)) --> expect: 2\tnil\tCannot assign requested address
report(socket.tcp4():bind("192.0.2.1", 0)) --> expect: 2\tnil\tCannot assign requested address

-- Wrong arguments.
report(pcall(function() return socket.connect() end)) --> expect: 2\tfalse\terrors.lua:47: bad argument #1 to 'connect' (string expected, got no value)
report(pcall(function() return socket.connect("127.0.0.1") end)) --> expect: 2\tfalse\terrors.lua:48: bad argument #2 to 'connect' (string expected, got no value)
report(pcall(function() return socket.connect("127.0.0.1", {}) end)) --> expect: 2\tfalse\terrors.lua:49: bad argument #2 to 'connect' (string expected, got table)
report(pcall(function() return socket.connect("127.0.0.1", 1, "*", 1, "other") end)) --> expect: 2\tfalse\terrors.lua:50: bad argument #5 to 'connect' (invalid option 'other')
report(pcall(function() return socket.dns.toip() end)) --> expect: 2\tfalse\terrors.lua:51: bad argument #1 to 'toip' (string expected, got no value)
report(pcall(function() return socket.dns.getaddrinfo() end)) --> expect: 2\tfalse\terrors.lua:52: bad argument #1 to 'getaddrinfo' (string expected, got no value)
report(pcall(function() return socket.dns.getnameinfo() end)) --> expect: 2\tfalse\terrors.lua:53: host and serv cannot be both nil
print(type(socket.newtry())) --> expect: function
report(pcall(function() return socket.skip() end)) --> expect: 2\tfalse\terrors.lua:55: bad argument #1 to 'skip' (number expected, got no value)
report(pcall(function() return socket.select(1) end)) --> expect: 2\tfalse\terrors.lua:56: bad argument #1 to 'select' (table expected, got number)
report(pcall(function() return socket.select(nil, 1) end)) --> expect: 2\tfalse\terrors.lua:57: bad argument #2 to 'select' (table expected, got number)
report(pcall(function() return socket.select({}, {}, "x") end)) --> expect: 2\tfalse\terrors.lua:58: bad argument #3 to 'select' (number expected, got string)
report(pcall(function() return socket.select({ 1 }) end)) --> expect: 2\tfalse\tattempt to index a number value
report(pcall(function() return socket.tcp().setfd(socket.tcp()) end)) --> expect: 2\tfalse\terrors.lua:60: bad argument #2 to 'setfd' (number expected, got no value)
report(pcall(function() return socket.tcp().setfd(socket.tcp(), "x") end)) --> expect: 2\tfalse\terrors.lua:61: bad argument #2 to 'setfd' (number expected, got string)

-- A descriptor of another kind. (Afterwards each descriptor has one owner again.)
local server = assert(socket.bind("127.0.0.1", 0))
local own = server:getfd()
for _, other in ipairs { assert(socket.tcp4()), assert(socket.udp4()) } do --> expect: 2\tnil\tInvalid argument --> expect: 2\tnil\tOperation not supported
  server:setfd(other:getfd())
  report(server:accept())
end
server:setfd(100000)
report(server:accept()) --> expect: 2\tnil\tBad file descriptor
report(server:getsockname()) --> expect: 2\tnil\tBad file descriptor
report(server:getpeername()) --> expect: 2\tnil\tBad file descriptor
report(server:getoption("keepalive")) --> expect: 2\tnil\tgetsockopt failed
report(server:setoption("keepalive", true)) --> expect: 2\tnil\tsetsockopt failed
server:setfd(own)

-- What the other side does not take any more.
local client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
local taken = assert(server:accept())
report(client:shutdown("send")) --> expect: 1\t1.0
report(client:send("x")) --> expect: 3\tnil\tclosed\t0.0
report(taken:receive()) --> expect: 3\tnil\tclosed\t
report(taken:send("x")) --> expect: 3\t1.0\tnil\tnil
taken:close()
report(client:receive(1)) --> expect: 3\tx\tnil\tnil
report(client:receive(1, "")) --> expect: 3\tnil\tclosed\t
report(client:receive("*a", "prefix")) --> expect: 3\tnil\tclosed\tprefix
report(pcall(client.shutdown, client, "other")) --> expect: 2\tfalse\tbad argument #2 to '?' (invalid option 'other')
report(client:close(), client:close()) --> expect: 2\t1.0\t1.0
report(client:shutdown()) --> expect: 1\t1.0
report(client:connect("127.0.0.1", 1)) --> expect: 2\tnil\tconnection refused
