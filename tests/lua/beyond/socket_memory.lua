--> options: --mem-limit 4M
-- A peer that sends a line without an end meets the limit of the state's memory: an error, and all goes on.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local function pair()
  local a = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
  return a, assert(server:accept())
end
local chunk = ("x"):rep(30000)

-- Two coroutines, so that nobody waits for somebody in the same thread.
local function flood(pattern)
  local a, b = pair()
  a:settimeout(0)
  b:settimeout(0)
  local part, sent = "", 0
  while true do
    local last, err, at = a:send(chunk)
    sent = sent + (last or at)
    local ok, line, err, rest = pcall(b.receive, b, pattern, part)
    if not ok then
      a:close()
      b:close()
      return line, sent > 500000
    end
    part = rest
  end
end
print(flood("*l")) --> expect: not enough memory\ttrue
print(flood("*a")) --> expect: not enough memory\ttrue
print(flood(1e9)) --> expect: not enough memory\ttrue
print(flood("*l")) --> expect: not enough memory\ttrue

-- What memory there is suffices for what is asked.
local a, b = pair()
a:send("a line\n")
print(b:receive()) --> expect: a line\tnil\tnil
local u, v = socket.udp4(), socket.udp4()
u:setsockname("127.0.0.1", 0)
v:sendto("datagram", "127.0.0.1", (select(2, u:getsockname())))
print(u:receive(1e12)) --> expect: datagram
a:settimeout(0)
b:settimeout(0.1)
print(b:receive(1e12)) --> expect: nil\ttimeout\t
print(pcall(string.rep, "x", 1e7)) --> expect: false\tnot enough memory
