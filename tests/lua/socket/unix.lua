-- Sockets of the Unix domain: streams and datagrams.
local unix = require "socket.unix"
local socket = require "socket"
local function class(object) return (tostring(object):gsub(": 0x%x+$", "")) end
local function name()
  local path = os.tmpname()
  os.remove(path)
  return path
end

local path = name()
local server = assert(unix.stream())
print(class(server), server:getfd() >= 0) --> expect: unixstream{master}\ttrue
print(server:getsockname() == "") --> expect: true
print(server:bind(path), class(server)) --> expect: 1.0\tunixstream{master}
print(server:getsockname() == path) --> expect: true
print(server:listen(5), class(server)) --> expect: 1.0\tunixstream{server}
local client = unix.stream()
print(client:connect(path), class(client)) --> expect: 1.0\tunixstream{client}
local taken = server:accept()
print(class(taken), taken:getsockname() == path) --> expect: unixstream{client}\ttrue
print(client:send("line one\r\nline two\nrest")) --> expect: 23.0\tnil\tnil
print(taken:receive()) --> expect: line one\tnil\tnil
print(taken:dirty(), #socket.select({ taken }, nil, 0)) --> expect: true\t1
print(taken:receive("*l"), taken:receive(2)) --> expect: line two\tre\tnil\tnil
taken:settimeout(0.1)
print(taken:receive(5)) --> expect: nil\ttimeout\tst
print((taken:getstats()), (select(2, taken:getstats()))) --> expect: 23.0\t0.0
print(taken:setstats(1, 2), (taken:getstats())) --> expect: 1.0\t1.0
taken:send("answer\n")
print(client:receive()) --> expect: answer\tnil\tnil
print(client:shutdown("send"), taken:receive()) --> expect: 1.0\tnil\tclosed\t
print(client:close(), taken:receive(), taken:send("x")) --> expect: 1.0\tnil\tnil\tclosed\t0.0
print(taken:close(), taken:receive()) --> expect: 1.0\tnil\tclosed\t
server:settimeout(0)
print(server:accept()) --> expect: nil\ttimeout
print(server:settimeout(0.02), server:accept()) --> expect: 1.0\tnil\ttimeout

-- What does not work.
print(unix.stream():bind(path)) --> expect: nil\taddress already in use
print(unix.stream():connect(name())) --> expect: nil\tNo such file or directory
print(unix.stream():connect(("x"):rep(200))) --> expect: nil\tpath too long
print(unix.stream():bind(("x"):rep(108))) --> expect: nil\tpath too long
print(unix.stream():bind("/no such directory/socket")) --> expect: nil\tNo such file or directory
server:close()
print(unix.stream():connect(path)) --> expect: nil\tconnection refused
os.remove(path)
local stream = unix.stream()
stream:connect(path)
print(stream:getfd()) --> expect: -1.0
print(pcall(stream.send, stream, "x")) --> expect: false\tbad argument #1 to '?' (unixstream{client} expected)
print(pcall(stream.receive, stream)) --> expect: false\tbad argument #1 to '?' (unixstream{client} expected)
print(pcall(stream.accept, stream)) --> expect: false\tbad argument #1 to '?' (unixstream{server} expected)
print(pcall(stream.bind, stream)) --> expect: false\tbad argument #2 to '?' (string expected, got no value)
print(pcall(stream.bind, server, path)) --> expect: false\tbad argument #1 to '?' (unixstream{master} expected)
print(pcall(stream.connect, client, path)) --> expect: false\tbad argument #1 to '?' (unixstream{master} expected)
print(pcall(stream.close, {})) --> expect: false\tbad argument #1 to '?' (unixstream{any} expected)
print(stream:bind(path)) --> expect: nil\tBad file descriptor
print(stream:listen()) --> expect: nil\tBad file descriptor
print(stream.gettimeout, stream.getpeername, stream.getoption) --> expect: nil\tnil\tnil

-- Other ways to make one.
print(class(unix()), class(unix.tcp()), class(unix.udp())) --> expect: unixstream{master}\tunixstream{master}\tunixdgram{unconnected}
local function arguments(...) return select("#", ...), ... end
print(arguments(pcall(unix.__call, { stream = arguments }, 1, nil))) --> expect: 4\ttrue\t2\t1\tnil

-- Datagrams.
local path_a, path_b = name(), name()
local a, b = assert(unix.dgram()), assert(unix.dgram())
print(class(a), a:bind(path_a), b:bind(path_b)) --> expect: unixdgram{unconnected}\t1.0\t1.0
print(a:getsockname() == path_a) --> expect: true
a:settimeout(0.1) b:settimeout(0.1)
print(a:sendto("hello", path_b)) --> expect: 5.0
local data, from = b:receivefrom()
print(data, from == path_a) --> expect: hello\ttrue
print(a:sendto("0123456789", path_b), b:receive(4)) --> expect: 10.0\t0123
print(b:receive()) --> expect: nil\ttimeout
print(b:receivefrom()) --> expect: nil\ttimeout
print(a:sendto("", path_b), #b:receive()) --> expect: 0.0\t0
local big = ("datagram"):rep(2000)
print(a:sendto(big, path_b), #b:receive(20000)) --> expect: 16000.0\t16000
print(a:sendto(big, path_b), #b:receive()) --> expect: 16000.0\t8192
print(a:connect(path_b), class(a)) --> expect: 1.0\tunixdgram{connected}
print(a:send("to the peer"), b:receive()) --> expect: 11.0\tto the peer
print(pcall(a.sendto, a, "x", path_b)) --> expect: false\tbad argument #1 to '?' (unixdgram{unconnected} expected)
print(pcall(a.receivefrom, a)) --> expect: false\tbad argument #1 to '?' (unixdgram{unconnected} expected)
print(pcall(a.bind, a, path_b)) --> expect: false\tbad argument #1 to '?' (unixdgram{unconnected} expected)
print(pcall(b.send, b, "x")) --> expect: false\tbad argument #1 to '?' (unixdgram{connected} expected)
print(b:gettimeout()) --> expect: 0.1\t-1.0
local nameless = unix.dgram()
print(nameless:sendto("anonymous", path_b), b:receivefrom()) --> expect: 9.0\tanonymous\t
print(nameless:sendto("x", name())) --> expect: nil\tNo such file or directory
print(nameless:sendto("x", ("x"):rep(200))) --> expect: nil\tpath too long
print(nameless:bind(("x"):rep(200)), nameless:getfd() >= 0) --> expect: nil\ttrue
b:close()
print(a:send("x")) --> expect: nil\tconnection refused
print(nameless:sendto("x", path_b)) --> expect: nil\tconnection refused
a:close()
print(a:send("x")) --> expect: nil\trefused
print(a:receive() == "") --> expect: true
print(nameless:connect(path_b), nameless:getfd()) --> expect: nil\t-1.0
print(nameless:sendto("x", path_b)) --> expect: nil\trefused
os.remove(path_a) os.remove(path_b)
