-- A connection on the loopback: classes, names, families, what each class can do, and closing.
local socket = require "socket"
local function class(object) return (tostring(object):gsub(": 0x%x+$", "")) end

local server = assert(socket.bind("127.0.0.1", 0))
local host, port, family = server:getsockname()
print(class(server), host, type(port), math.type(tonumber(port)), family) --> expect: tcp{server}\t127.0.0.1\tstring\tinteger\tinet
print(server:getpeername()) --> expect: nil\tTransport endpoint is not connected
print(server:getfamily()) --> expect: inet4

local client = socket.tcp()
print(class(client), client:getfd(), client:getfamily()) --> expect: tcp{master}\t-1.0\tinet4
print(client:getsockname()) --> expect: nil\tBad file descriptor
print(client:getpeername()) --> expect: nil\tBad file descriptor
print(client:connect("127.0.0.1", port)) --> expect: 1.0
print(class(client), client:getfamily(), math.type(client:getfd())) --> expect: tcp{client}\tinet4\tfloat
local peer_host, peer_port, peer_family = client:getpeername()
print(peer_host, peer_port == tonumber(port), math.type(peer_port), peer_family) --> expect: 127.0.0.1\ttrue\tinteger\tinet

local taken = assert(server:accept())
print(class(taken), taken:getfamily()) --> expect: tcp{client}\tinet4
local _, client_port = client:getsockname()
print(select(2, taken:getpeername()) == tonumber(client_port)) --> expect: true
print(client:connect("127.0.0.1", port)) --> expect: 1.0

print(client:send("first\nsecond\r\n")) --> expect: 14.0\tnil\tnil
print(taken:receive()) --> expect: first\tnil\tnil
print(taken:dirty(), client:dirty()) --> expect: true\tfalse
print(taken:receive("*l")) --> expect: second\tnil\tnil
print(taken:dirty()) --> expect: false

-- What a class cannot do.
print(pcall(server.send, server, "x")) --> expect: false\tbad argument #1 to '?' (tcp{client} expected)
print(pcall(server.receive, server)) --> expect: false\tbad argument #1 to '?' (tcp{client} expected)
print(pcall(client.accept, client)) --> expect: false\tbad argument #1 to '?' (tcp{server} expected)
print(pcall(client.listen, client)) --> expect: false\tbad argument #1 to '?' (tcp{master} expected)
print(pcall(client.bind, client, "*", 0)) --> expect: false\tbad argument #1 to '?' (tcp{master} expected)
print(pcall(server.shutdown, server)) --> expect: false\tbad argument #1 to '?' (tcp{client} expected)
print(pcall(server.getstats, server)) --> expect: false\tbad argument #1 to '?' (tcp{client} expected)
print(pcall(client.close, {})) --> expect: false\tbad argument #1 to '?' (tcp{any} expected)
print(pcall(client.close, io.stdout)) --> expect: false\tbad argument #1 to '?' (tcp{any} expected)
print(pcall(client.getfd)) --> expect: false\tbad argument #1 to '?' (tcp{any} expected)
print(pcall(function() return server:send("x") end)) --> expect: false\ttcp.lua:43: calling 'send' on bad self (tcp{client} expected)
print(pcall(function() return client.settimeout(socket.udp()) end)) --> expect: false\ttcp.lua:44: bad argument #1 to 'settimeout' (tcp{any} expected)

-- Both directions are shut down by themselves.
print(client:shutdown("send")) --> expect: 1.0
print(taken:receive()) --> expect: nil\tclosed\t
print(taken:send("back\n")) --> expect: 5.0\tnil\tnil
print(client:receive()) --> expect: back\tnil\tnil
print(pcall(client.shutdown, client, "nothing")) --> expect: false\tbad argument #2 to '?' (invalid option 'nothing')
print(client:shutdown()) --> expect: 1.0

-- Closing.
print(taken:close(), taken:close()) --> expect: 1.0\t1.0
print(class(taken), taken:getfd()) --> expect: tcp{client}\t-1.0
print(taken:send("x")) --> expect: nil\tclosed\t0.0
print(taken:send("")) --> expect: 0.0\tnil\tnil
print(taken:receive()) --> expect: nil\tclosed\t
print(taken:receive(0)) --> expect: nil\tclosed\t
print(taken:receive("*a", "before")) --> expect: nil\tclosed\tbefore
print(taken:getpeername()) --> expect: nil\tBad file descriptor
print(taken:shutdown()) --> expect: 1.0
print(taken:dirty()) --> expect: false
print(server:close()) --> expect: 1.0
print(server:accept()) --> expect: nil\tclosed
print(client:connect("127.0.0.1", port)) --> expect: nil\talready connected
print(class(client), client:close()) --> expect: tcp{client}\t1.0

-- A connection that is torn down and not closed.
server = assert(socket.bind("127.0.0.1", 0))
client = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
taken = server:accept()
taken:setoption("linger", { on = true, timeout = 0 })
taken:send("lost")
client:settimeout(5)
print(client:receive(2)) --> expect: lo\tnil\tnil
taken:close()
print(client:receive(10)) --> expect: nil\tclosed\tst
print(client:receive(10)) --> expect: nil\tclosed\t
print(client:send("x")) --> expect: nil\tclosed\t0.0
client:close()

-- Made for a family, it has a descriptor at once.
local four = socket.tcp4()
print(four:getfd() >= 0, four:getfamily(), four:getsockname()) --> expect: true\tinet4\t0.0.0.0\t0\tinet
print(four:getpeername()) --> expect: nil\tTransport endpoint is not connected
print(four:bind("127.0.0.1", 0), class(four)) --> expect: 1.0\ttcp{master}
print(four:listen(), class(four)) --> expect: 1.0\ttcp{server}
print(four:close()) --> expect: 1.0
print(socket.tcp():listen()) --> expect: nil\tBad file descriptor
print(pcall(four.bind, socket.tcp(), nil, 0)) --> expect: false\tbad argument #2 to '?' (string expected, got nil)
print(pcall(four.bind, socket.tcp(), "*")) --> expect: false\tbad argument #3 to '?' (string expected, got no value)

-- Collected objects are closed.
local kept = assert(socket.bind("127.0.0.1", 0))
do
  local lost = assert(socket.connect("127.0.0.1", (select(2, kept:getsockname()))))
  lost = nil
end
collectgarbage()
print(kept:accept():receive()) --> expect: nil\tclosed\t
