-- Both kinds of timeouts.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local port = select(2, server:getsockname())
local function timed(least, most, f, ...)
  local start = socket.gettime()
  local results = table.pack(f(...))
  local elapsed = socket.gettime() - start
  print(elapsed >= 0.98 * least and elapsed <= most and "in time" or elapsed, table.unpack(results, 1, results.n))
end

print(server:gettimeout()) --> expect: -1.0\t-1.0
print(server:settimeout(1.5), server:gettimeout()) --> expect: 1.0\t1.5\t-1.0
print(server:settimeout(2, "t"), server:gettimeout()) --> expect: 1.0\t1.5\t2.0
print(server:settimeout(3, "r"), server:gettimeout()) --> expect: 1.0\t1.5\t3.0
print(server:settimeout(4, "block"), server:gettimeout()) --> expect: 1.0\t4.0\t3.0
print(server:settimeout(nil, "t"), server:gettimeout()) --> expect: 1.0\t4.0\t-1.0
print(server:settimeout(), server:gettimeout()) --> expect: 1.0\t-1.0\t-1.0
print(server:settimeout(-5), server:gettimeout()) --> expect: 1.0\t-5.0\t-1.0
print(server:settimeout("7"), server:gettimeout()) --> expect: 1.0\t7.0\t-1.0
print(pcall(server.settimeout, server, 1, "x")) --> expect: false\tbad argument #3 to '?' (invalid timeout mode)
print(pcall(server.settimeout, server, 1, "")) --> expect: false\tbad argument #3 to '?' (invalid timeout mode)
print(pcall(server.settimeout, server, {})) --> expect: false\tbad argument #2 to '?' (number expected, got table)
print(pcall(server.settimeout, server, 1, {})) --> expect: false\tbad argument #3 to '?' (string expected, got table)

server:settimeout(0)
timed(0, 5, server.accept, server) --> expect: in time\tnil\ttimeout
server:settimeout(0.1)
timed(0.1, 5, server.accept, server) --> expect: in time\tnil\ttimeout
server:settimeout(nil)
server:settimeout(0.1, "t")
timed(0.1, 5, server.accept, server) --> expect: in time\tnil\ttimeout
server:settimeout(20, "b")
timed(0.1, 5, server.accept, server) --> expect: in time\tnil\ttimeout
server:settimeout(0, "t")
timed(0, 5, server.accept, server) --> expect: in time\tnil\ttimeout

server:settimeout(nil, "t")
server:settimeout(nil, "b")
local a = assert(socket.connect("127.0.0.1", port))
local b = assert(server:accept())
print(b:gettimeout()) --> expect: -1.0\t-1.0
b:settimeout(0)
timed(0, 5, b.receive, b) --> expect: in time\tnil\ttimeout\t
timed(0, 5, b.receive, b, 5, "ab") --> expect: in time\tnil\ttimeout\tab
timed(0, 5, b.receive, b, "*a") --> expect: in time\tnil\ttimeout\t
b:settimeout(0.1)
timed(0.1, 5, b.receive, b) --> expect: in time\tnil\ttimeout\t
a:send("part")
timed(0.1, 5, b.receive, b) --> expect: in time\tnil\ttimeout\tpart
timed(0.1, 5, b.receive, b, 2, "p") --> expect: in time\tnil\ttimeout\tp
b:settimeout(nil)
b:settimeout(0.1, "t")
timed(0.1, 5, b.receive, b, 10) --> expect: in time\tnil\ttimeout\t
a:send("whole line\n")
timed(0, 5, b.receive, b) --> expect: in time\twhole line\tnil\tnil

print(pcall(function() socket.sleep() end)) --> expect: false\ttimeout.lua:58: bad argument #1 to 'sleep' (number expected, got no value)
print(socket.sleep(0), socket.sleep(-1)) --> expect: nil
timed(0.05, 5, socket.sleep, 0.05) --> expect: in time
print(math.abs(socket.gettime() - os.time()) < 5, math.type(socket.gettime())) --> expect: true\tfloat
timed(0.05, 5, function() return (select(3, socket.select(nil, nil, 0.05))) end) --> expect: in time\ttimeout
