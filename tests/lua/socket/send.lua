-- Sending: which bytes, and how far it came.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local a = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
local b = assert(server:accept())
b:settimeout(5)
-- What has arrived.
local function got()
  a:send("\n")
  return (b:receive())
end

print(a:send("abcdef")) print(got()) --> expect: 6.0\tnil\tnil --> expect: abcdef
for _, range in ipairs { { 2 }, { 2, 4 }, { -2 }, { -4, -2 }, { 0 }, { 3, 2 }, { 7 }, { 10, 20 }, { -10, 3 }, { 1, -10 },
                         { 2.7, 3.9 }, { "2", "3" }, { 4, 400 }, { 1, 0 }, { nil, 3 }, { -1, -1 } } do
  print(range[1], range[2], a:send("abcdef", range[1], range[2])) --> expect: 2\tnil\t6.0\tnil\tnil
  print(got())
--> expect: bcdef
--> expect: 2\t4\t4.0\tnil\tnil
--> expect: bcd
--> expect: -2\tnil\t6.0\tnil\tnil
--> expect: ef
--> expect: -4\t-2\t5.0\tnil\tnil
--> expect: cde
--> expect: 0\tnil\t6.0\tnil\tnil
--> expect: abcdef
--> expect: 3\t2\t2.0\tnil\tnil
--> expect: 
--> expect: 7\tnil\t6.0\tnil\tnil
--> expect: 
--> expect: 10\t20\t9.0\tnil\tnil
--> expect: 
--> expect: -10\t3\t3.0\tnil\tnil
--> expect: abc
--> expect: 1\t-10\t0.0\tnil\tnil
--> expect: 
--> expect: 2.7\t3.9\t3.0\tnil\tnil
--> expect: bc
--> expect: 2\t3\t3.0\tnil\tnil
--> expect: bc
--> expect: 4\t400\t6.0\tnil\tnil
--> expect: def
--> expect: 1\t0\t0.0\tnil\tnil
--> expect: 
--> expect: nil\t3\t3.0\tnil\tnil
--> expect: abc
--> expect: -1\t-1\t6.0\tnil\tnil
--> expect: f
end
print(a:send("")) --> expect: 0.0\tnil\tnil
print(a:send(12.5)) print(got()) --> expect: 4.0\tnil\tnil --> expect: 12.5
print(select("#", a:send("x"))) print(got()) --> expect: 3 --> expect: x
print(pcall(a.send, a)) --> expect: false\tbad argument #2 to '?' (string expected, got no value)
print(pcall(a.send, a, {})) --> expect: false\tbad argument #2 to '?' (string expected, got table)
print(pcall(a.send, a, "x", {})) --> expect: false\tbad argument #3 to '?' (number expected, got table)
print(pcall(a.send, a, "x", 1, {})) --> expect: false\tbad argument #4 to '?' (number expected, got table)

-- Until there is no more room: the index of the last byte that was sent.
a:settimeout(0)
local big = ("0123456789"):rep(2000000)
local last, err, sent = a:send(big)
print(last, err, sent > 1000, math.type(sent)) --> expect: nil\ttimeout\ttrue\tfloat
local last2, err2, sent2 = a:send(big, sent + 1)
print(last2, err2, sent2 >= sent) --> expect: nil\ttimeout\ttrue
local received = 0
repeat
  b:settimeout(0.2)
  local all, err, part = b:receive(100000)
  received = received + #(all or part)
until err
print(received == sent2) --> expect: true
a:settimeout(nil)
print(a:getstats() == 0, (select(2, a:getstats())) > sent2) --> expect: true\ttrue

-- The other end is gone.
b:close()
local n, err, at
repeat n, err, at = a:send("some bytes") until err
print(n, err, at) --> expect: nil\tclosed\t0.0
print(a:send("some bytes", 4)) --> expect: nil\tclosed\t3.0
print(a:receive()) --> expect: nil\tclosed\t
a:close()
print(a:send("abc", 2)) --> expect: nil\tclosed\t1.0
