-- Where the original has a slip, or a limit that is not needed.
local socket = require "socket"
local unix = require "socket.unix"
local mime = require "mime.core"

-- What is decoded may begin with a NUL, also at the end.
print(#mime.unqp("=00=01")) --> expect: 2

-- The option for groups is not the one for single receivers.
local six = socket.udp6()
if six then
  six:setoption("ipv6-unicast-hops", 5)
  print(six:setoption("ipv6-multicast-hops", 9), six:getoption("ipv6-multicast-hops"), six:getoption("ipv6-unicast-hops")) --> expect: 1.0\t9.0\t5.0
else
  print(1.0, 9.0, 5.0)
end

-- Names without files, in the Unix domain.
local path = os.tmpname()
os.remove(path)
local name = "\0" .. path
local server, client = unix.stream(), unix.stream()
print(server:bind(name), server:getsockname() == name, server:listen()) --> expect: 1.0\ttrue\t1.0
print(client:connect(name)) --> expect: 1.0
client:send("x\n")
print(server:accept():receive()) --> expect: x\tnil\tnil
local a, b = unix.dgram(), unix.dgram()
print(a:bind(name .. "a"), b:bind(name .. "b"), b:sendto("x", name .. "a")) --> expect: 1.0\t1.0\t1.0
local data, from = a:receivefrom()
print(data, from == name .. "b") --> expect: x\ttrue

-- The metatables of sockets on what is none.
local tcp = getmetatable(socket.tcp())
for _, value in ipairs { io.tmpfile(), coroutine.create(print), {} } do
  local object = debug.setmetatable(value, tcp)
  print(pcall(object.getfd, value)) --> expect: false\tbad argument #1 to '?' (tcp{any} expected)
  print(pcall(object.bind, value, "*", 0))
--> expect: false\tbad argument #1 to '?' (tcp{master} expected)
--> expect: false\tbad argument #1 to '?' (tcp{any} expected)
--> expect: false\tbad argument #1 to '?' (tcp{master} expected)
--> expect: false\tbad argument #1 to '?' (tcp{any} expected)
--> expect: false\tbad argument #1 to '?' (tcp{master} expected)
  debug.setmetatable(value, nil)
end

-- Finalizers that use the socket for which memory is needed.
server = assert(socket.bind("127.0.0.1", 0))
client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
local taken = server:accept()
local count = 0
local function arm()
  setmetatable({}, { __gc = function()
    count = count + 1
    taken:settimeout(0)
    taken:receive(1)
    taken:settimeout(5)
    if count < 2000 then arm() end
  end })
end
arm()
taken:settimeout(5)
collectgarbage("setpause", 1)
collectgarbage("setstepmul", 1000)
local total = 0
for i = 1, 200 do
  client:send(("line "):rep(i * 5) .. "\n\n\n\n\n\n\n")
  total = total + #(taken:receive() or "")
end
print(total > 10000) --> expect: true
taken:close()
print(select("#", taken:receive())) --> expect: 3

-- A closed socket for datagrams says so. (The original asks for the name of an address that it has not.)
local closed = socket.udp4()
closed:close()
print(closed:receivefrom()) --> expect: nil\trefused

-- An error in a field is one of the argument that has it.
if six then
  local ok, message = pcall(six.setoption, six, "ipv6-add-membership", { multiaddr = "ff02::1", interface = {} })
  print(ok, message) --> expect: false\tbad argument #3 to '?' (number 'interface' field expected)
else
  print(false, "bad argument #3 to '?' (number 'interface' field expected)")
end

-- More sockets than `_SETSIZE`, and descriptors that are larger, where the system lets the process have them.
local many = {}
for i = 1, socket._SETSIZE + 100 do many[#many + 1] = socket.udp4() end
local readable, writable, err = socket.select(many, many, 0)
print(#readable, #writable == #many, err) --> expect: 0\ttrue\tnil
for _, object in ipairs(many) do object:close() end

-- A peer of the Unix domain that has no room for a connection: one that is not there is not called one.
path = os.tmpname()
os.remove(path)
server = unix.stream()
print(server:bind(path), server:listen(0)) --> expect: 1.0\t1.0
local first, second = unix.stream(), unix.stream()
print(first:connect(path)) --> expect: 1.0
second:settimeout(0.05)
local start = socket.gettime()
print(second:connect(path)) --> expect: nil\ttimeout
print(socket.gettime() - start >= 0.049) --> expect: true
second = unix.stream()
second:settimeout(0)
print(second:connect(path)) --> expect: nil\ttimeout
second = unix.stream()
print(server:accept() ~= nil, second:connect(path), second:send("x")) --> expect: true\t1.0\t1.0\tnil\tnil
os.remove(path)
