-- Counters, descriptors, and what is buffered.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local a = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
local b = assert(server:accept())

local function stats(object)
  local received, sent, age = object:getstats()
  print(received, sent, math.type(age), age >= 0 and age < 5)
end
stats(a) --> expect: 0.0\t0.0\tfloat\ttrue
a:send("0123456789\nabc")
stats(a) --> expect: 0.0\t14.0\tfloat\ttrue
print(b:receive()) --> expect: 0123456789\tnil\tnil
stats(b) --> expect: 11.0\t0.0\tfloat\ttrue
print(b:dirty()) --> expect: true
print(b:receive(3)) --> expect: abc\tnil\tnil
print(b:dirty()) --> expect: false
stats(b) --> expect: 14.0\t0.0\tfloat\ttrue
print(b:setstats(100, 200, 50)) --> expect: 1.0
local received, sent, age = b:getstats()
print(received, sent, age >= 50 and age < 55) --> expect: 100.0\t200.0\ttrue
print(b:setstats()) --> expect: 1.0
print((b:getstats())) --> expect: 100.0
print(b:setstats(nil, 7)) --> expect: 1.0
print(b:getstats() == 100, (select(2, b:getstats()))) --> expect: true\t7.0
print(pcall(b.setstats, b, "x")) --> expect: false\tbad argument #2 to '?' (number expected, got string)
a:setstats(5, 6, "7")
print((a:getstats()), select(3, a:getstats()) >= 7) --> expect: 5.0\ttrue

-- A descriptor goes from one object to another.
local fd = b:getfd()
print(math.type(fd), fd >= 0) --> expect: float\ttrue
local heir = socket.tcp()
print(select("#", heir:setfd(fd)), heir:getfd() == fd) --> expect: 0\ttrue
print(b:setfd(socket._SOCKETINVALID)) --> expect: 
print(b:getfd(), b:receive()) --> expect: -1.0\tnil\tclosed\t
print(pcall(heir.receive, heir)) --> expect: false\tbad argument #1 to '?' (tcp{client} expected)
print(heir:getpeername() == "127.0.0.1") --> expect: true
heir:close()
print(a:receive()) --> expect: nil\tclosed\t
print(socket._SOCKETINVALID) --> expect: -1
