-- Datagrams: connected or not, empty, cut, refused.
local socket = require "socket"
local function class(object) return (tostring(object):gsub(": 0x%x+$", "")) end
local a, b = socket.udp(), socket.udp()
print(class(a), a:getfd(), a:getfamily()) --> expect: udp{unconnected}\t-1.0\tinet4
print(a:getsockname()) --> expect: nil\tBad file descriptor
print(a:setsockname("127.0.0.1", 0)) --> expect: 1.0
print(b:setsockname("127.0.0.1", 0)) --> expect: 1.0
local a_port, b_port = select(2, a:getsockname()), select(2, b:getsockname())
print((a:getsockname()), type(a_port), select(3, a:getsockname())) --> expect: 127.0.0.1\tstring\tinet
a:settimeout(0.2) b:settimeout(0.2)

print(a:sendto("hello", "127.0.0.1", b_port)) --> expect: 5.0
local data, ip, port = b:receivefrom()
print(data, ip, port == tonumber(a_port), math.type(port)) --> expect: hello\t127.0.0.1\ttrue\tinteger
print(b:receivefrom()) --> expect: nil\ttimeout
print(b:receive()) --> expect: nil\ttimeout
a:sendto("0123456789", "127.0.0.1", b_port)
print((b:receivefrom(4))) --> expect: 0123
a:sendto("0123456789", "127.0.0.1", b_port)
print(b:receive(4.9)) --> expect: 0123
print(b:receive()) --> expect: nil\ttimeout
a:sendto("", "127.0.0.1", b_port)
print(b:receive()) --> expect: 
a:sendto("", "127.0.0.1", b_port)
data, ip, port = b:receivefrom()
print(#data, ip, port == tonumber(a_port)) --> expect: 0\t127.0.0.1\ttrue
a:sendto("x", "127.0.0.1", b_port)
print(b:receive(0) == "") --> expect: true
local big = ("datagram"):rep(2000)
print(a:sendto(big, "127.0.0.1", b_port)) --> expect: 16000.0
print(#b:receive(20000)) --> expect: 16000
print(a:sendto(big, "127.0.0.1", b_port)) --> expect: 16000.0
print(#b:receive()) --> expect: 8192
print(a:sendto(big:sub(1, 8192), "127.0.0.1", b_port), b:receive() == big:sub(1, 8192)) --> expect: 8192.0\ttrue
print(a:sendto(big:sub(1, 600), "127.0.0.1", b_port), (b:receivefrom()) == big:sub(1, 600)) --> expect: 600.0\ttrue
print(a:sendto(big:rep(5), "127.0.0.1", b_port)) --> expect: nil\tMessage too long

-- With a peer.
print(b:setpeername("127.0.0.1", a_port), class(b)) --> expect: 1.0\tudp{connected}
print((b:getpeername()), (select(2, b:getpeername())) == tonumber(a_port), select(3, b:getpeername())) --> expect: 127.0.0.1\ttrue\tinet
print(b:send("to the peer")) --> expect: 11.0
print(a:receive()) --> expect: to the peer
print(b:send("")) --> expect: 0.0
print(a:receive()) --> expect: 
print(pcall(b.sendto, b, "x", "127.0.0.1", a_port)) --> expect: false\tbad argument #1 to '?' (udp{unconnected} expected)
print(pcall(b.receivefrom, b)) --> expect: false\tbad argument #1 to '?' (udp{unconnected} expected)
print(pcall(b.setsockname, b, "*", 0)) --> expect: false\tbad argument #1 to '?' (udp{unconnected} expected)
print(pcall(a.send, a, "x")) --> expect: false\tbad argument #1 to '?' (udp{connected} expected)
print(pcall(a.getpeername, a)) --> expect: false\tbad argument #1 to '?' (udp{connected} expected)
print(b:setpeername("*"), class(b)) --> expect: 1.0\tudp{unconnected}
print(b:sendto("free again", "127.0.0.1", a_port)) --> expect: 10.0
print(a:receive()) --> expect: free again
print(b:setpeername("127.0.0.1", a_port)) --> expect: 1.0
print(b:setpeername("127.0.0.1", a_port)) --> expect: 1.0

-- The peer is gone.
a:close()
print(class(a), a:getfd()) --> expect: udp{unconnected}\t-1.0
b:send("x")
socket.sleep(0.1)
print(b:receive()) --> expect: nil\tconnection refused
print(b:send("x")) --> expect: 1.0
b:close()
print(b:send("x")) --> expect: nil\trefused
print(a:sendto("x", "127.0.0.1", b_port)) --> expect: nil\trefused
print(a:receive() == "") --> expect: true
print(a:getsockname()) --> expect: nil\tBad file descriptor
print(b:close(), b:dirty()) --> expect: 1.0\tfalse

-- Without a family, the first use gives one.
local c, d = socket.udp(), socket.udp4()
print(d:getfd() >= 0, d:getsockname()) --> expect: true\t0.0.0.0\t0\tinet
d:settimeout(5)
print(d:setsockname("*", 0)) --> expect: 1.0
local d_port = select(2, d:getsockname())
print(c:getfd(), c:sendto("first", "127.0.0.1", d_port)) --> expect: -1.0\t5.0
print(c:getfd() >= 0, d:receive(), c:getfamily()) --> expect: true\tfirst\tinet4
print(pcall(c.sendto, c, "x")) --> expect: false\tbad argument #3 to '?' (string expected, got no value)
print(pcall(c.sendto, c, "x", "127.0.0.1")) --> expect: false\tbad argument #4 to '?' (string expected, got no value)
print(pcall(c.sendto, c)) --> expect: false\tbad argument #2 to '?' (string expected, got no value)
print(pcall(c.setpeername, c, "127.0.0.1")) --> expect: false\tbad argument #3 to '?' (string expected, got no value)
print(pcall(c.receive, c, "x")) --> expect: false\tbad argument #2 to '?' (number expected, got string)
print(c:sendto("x", "::1", d_port)) --> expect: nil\tAddress family for hostname not supported
print(c:setpeername("*")) --> expect: 1.0
print(c:settimeout(2, "t"), c:gettimeout()) --> expect: 1.0\t-1.0\t2.0
print(c:receive(-1)) --> expect: nil\tout of memory
print(pcall(c.close, socket.tcp())) --> expect: false\tbad argument #1 to '?' (udp{any} expected)
print(pcall(c.getfamily, {})) --> expect: false\tbad argument #1 to '?' (udp{any} expected)

-- To everybody, who must be allowed.
print(socket.udp4():sendto("x", "127.255.255.255", 9)) --> expect: nil\tpermission denied

local six = socket.udp6()
if six and six:setsockname("::1", 0) then
  local own_ip, own_port = six:getsockname()
  six:settimeout(5)
  six:sendto("x", "::1", own_port)
  local data, ip, port = six:receivefrom()
  print(data == "x", ip == own_ip, port == tonumber(own_port)) --> expect: true\ttrue\ttrue
else
  print(true, true, true)
end
