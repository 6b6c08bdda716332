-- choose, sources and sinks.
local socket = require "socket"
local choose = socket.choose { default = function(...) return "default", ... end, other = function(...) return "other", ... end }
print(choose()) --> expect: default\tnil\tnil
print(choose(1, 2, 3)) --> expect: default\t1\t2
print(choose("other", 1, 2, 3)) --> expect: other\t1\t2
print(choose("default")) --> expect: default\tnil\tnil
print(choose(nil, 1)) --> expect: default\tnil\t1
print(choose(true)) --> expect: default\ttrue\tnil
local t = {}
print(select("#", choose(t, nil)), select(2, choose(t)) == t) --> expect: 3\ttrue
local function user() return (choose("none")) end
print(pcall(user)) --> expect: false\tunknown key (none)
print(pcall(socket.choose {}, 5)) --> expect: false\tchain.lua:14: unknown key (default)
-- The original is written in Lua, so its messages have positions and names.
local function fails(...)
  local ok, message = pcall(...)
  print(ok, (message:gsub("^[^ ]*: ", ""):gsub(" %b()$", "")))
end
local server = assert(socket.bind("127.0.0.1", 0))
local port = select(2, server:getsockname())
local function pair()
  local a = assert(socket.connect("127.0.0.1", port))
  return a, assert(server:accept())
end

-- Sinks.
local a, b = pair()
local sink = socket.sink("close-when-done", a)
print(type(sink), sink.getfd() == a:getfd(), sink.dirty()) --> expect: table\ttrue\tfalse
print(sink("some text\n")) --> expect: 10.0\tnil\tnil
print(b:receive()) --> expect: some text\tnil\tnil
print(sink(nil), a:getfd()) --> expect: 1\t-1.0
print(b:receive()) --> expect: nil\tclosed\t
print(sink("more")) --> expect: nil\tclosed\t0.0
a, b = pair()
sink = socket.sink("keep-open", a)
print(sink("text\n", "ignored")) --> expect: 5.0\tnil\tnil
print(sink()) --> expect: 1
print(b:receive(), a:getfd() >= 0) --> expect: text\ttrue
sink = socket.sink(a)
print(sink("by default\n"), b:receive()) --> expect: 11.0\tby default\tnil\tnil
print(select("#", sink("x\n")), b:receive()) --> expect: 3\tx\tnil\tnil
print(#socket.select(nil, { sink }, 0)) --> expect: 0

-- Sources.
b:send(("0123456789"):rep(500))
local source = socket.source("by-length", a, 4990)
local lengths = {}
for chunk in source do lengths[#lengths + 1] = #chunk end
print(table.concat(lengths, " ")) --> expect: 2048 2048 894
print(source(), select("#", source())) --> expect: nil\t1
print(source.getfd() == a:getfd(), source.dirty()) --> expect: true\ttrue
socket.BLOCKSIZE = 4
source = socket.source("by-length", a, 10)
print(source(), source(), source(), source()) --> expect: 0123\t4567\t89\tnil
socket.BLOCKSIZE = 2048
print(socket.source("by-length", a, 0)()) --> expect: nil
fails(socket.source("by-length", a)) --> expect: false\tattempt to compare nil with number
b:send("until the end")
b:close()
source = socket.source("until-closed", a)
print(source()) --> expect: until the end
print(a:getfd(), source()) --> expect: -1.0\tnil
a, b = pair()
b:send("short")
source = socket.source("by-length", a, 10)
b:close()
print(source()) --> expect: nil\tclosed
print(source()) --> expect: nil\tclosed
a, b = pair()
a:settimeout(0.2)
source = socket.source(a)
print(source()) --> expect: nil\ttimeout
b:send(("x"):rep(3000))
print(#source()) --> expect: 2048
print(source()) --> expect: nil\ttimeout
b:close()
print(source()) --> expect: 
print(source()) --> expect: nil
a, b = pair()
b:send(("x"):rep(3000))
b:close()
source = socket.source(a)
print(#source(), #source(), source()) --> expect: 2048\t952\tnil

-- Anything with the methods of a socket will do.
local duck = { getfd = function() return 7, "more" end, dirty = function() return "perhaps" end, sent = {} }
function duck:send(chunk) self.sent[#self.sent + 1] = chunk return #chunk, "extra", nil end
function duck:close() self.closed = true end
function duck:receive(size) return size, nil end
sink = socket.sink("close-when-done", duck)
print(sink.getfd(), sink.dirty()) --> expect: 7\tperhaps
print(sink("abc")) --> expect: 3\textra\tnil
print(sink(false), duck.closed, #duck.sent) --> expect: 1\ttrue\t1
print(socket.source("until-closed", duck)()) --> expect: 2048
fails(socket.sink("keep-open", {}), "x") --> expect: false\tattempt to call a nil value
fails(socket.sink("keep-open"), "x") --> expect: false\tattempt to index a nil value
fails(socket.choose(nil), "x") --> expect: false\tattempt to index a nil value
print(type(socket.sourcet["by-length"]())) --> expect: table
