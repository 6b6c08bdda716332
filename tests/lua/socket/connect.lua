-- Connecting: with and without waiting, from a given address, for a family.
local socket = require "socket"
local server = assert(socket.bind("*", 0, 5))
local host, port, family = server:getsockname()
print(host, family) --> expect: 0.0.0.0\tinet
local function class(object) return (tostring(object):gsub(": 0x%x+$", "")) end

-- Who does not wait is told to come again.
local client = socket.tcp()
client:settimeout(0)
print(client:connect("127.0.0.1", port)) --> expect: nil\ttimeout
print(class(client), client:getfamily()) --> expect: tcp{client}\tinet4
print(#select(2, socket.select(nil, { client }, 10))) --> expect: 1
local again, err = client:connect("127.0.0.1", port)
print(again or err == "already connected") --> expect: 1.0
print(client:connect("127.0.0.1", port)) --> expect: nil\talready connected
print(client:getoption("error")) --> expect: nil
print(client:send("x")) --> expect: 1.0\tnil\tnil
local taken = server:accept()
print(taken:receive(1)) --> expect: x\tnil\tnil
taken:close()
client:close()

-- While the connection is on its way: the server has no room for it, so it stays there.
local busy = assert(socket.tcp4())
busy:bind("127.0.0.1", 0)
busy:listen(0)
local busy_port = select(2, busy:getsockname())
local waiting = {}
for i = 1, 3 do
  waiting[i] = socket.tcp()
  waiting[i]:settimeout(0)
  waiting[i]:connect("127.0.0.1", busy_port)
end
print(waiting[3]:connect("127.0.0.1", busy_port)) --> expect: nil\tOperation already in progress
print(#select(2, socket.select(nil, { waiting[3] }, 0.1))) --> expect: 0
print(waiting[3]:getpeername()) --> expect: nil\tTransport endpoint is not connected
waiting[3]:settimeout(0.2)
print(waiting[3]:send("x")) --> expect: nil\ttimeout\t0.0
for i = 1, 3 do waiting[i]:close() end
busy:close()

-- Nobody listens there: the socket becomes ready, and has an error.
local silent = assert(socket.tcp4())
silent:bind("127.0.0.1", 0)
local closed_port = select(2, silent:getsockname())
client = socket.tcp()
client:settimeout(0)
local result, message = client:connect("127.0.0.1", closed_port)
if message == "timeout" then
  socket.select({ client }, { client }, 10)
  message = client:getoption("error")
end
print(result, message, class(client)) --> expect: nil\tconnection refused\ttcp{client}
client:close()

-- From an address and a port.
client = assert(socket.connect("127.0.0.1", port, "127.0.0.2", 0))
print((client:getsockname()), select(3, client:getsockname())) --> expect: 127.0.0.2\tinet
client:close()
client = assert(socket.connect("127.0.0.1", port, "*", nil, "inet"))
print(select(3, client:getsockname())) --> expect: inet
client:close()
client = assert(socket.connect4("127.0.0.1", port))
print(client:getpeername() == "127.0.0.1", class(client)) --> expect: true\ttcp{client}
client:close()
client = assert(socket.connect("localhost", port))
print(client:getpeername() == "127.0.0.1") --> expect: true
client:close()
client = assert(socket.tcp4())
print(client:setsockname("127.0.0.1", 0)) --> expect: 1.0
print(client:setpeername("127.0.0.1", port)) --> expect: 1.0
client:close()
print(server:close()) --> expect: 1.0

-- IPv6, where the machine has it.
local six = socket.bind("::1", 0)
if six then
  host, port, family = six:getsockname()
  print(host == "::1", family == "inet6", six:getfamily() == "inet6") --> expect: true\ttrue\ttrue
  client = assert(socket.connect6("::1", port))
  print(client:getpeername() == "::1", select(3, client:getpeername()) == "inet6", client:getfamily() == "inet6") --> expect: true\ttrue\ttrue
else
  print(true, true, true)
  print(true, true, true)
end

-- Many wait to be accepted.
server = assert(socket.bind("127.0.0.1", 0, 1024))
port = select(2, server:getsockname())
local clients = {}
for i = 1, 100 do clients[i] = assert(socket.connect("127.0.0.1", port)) clients[i]:send(i .. "\n") end
local sum = 0
for _ = 1, 100 do sum = sum + server:accept():receive() end
print(sum) --> expect: 5050.0
