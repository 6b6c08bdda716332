-- Yields cross everything of `socket` that calls back, also where the original is written in C.
local socket = require "socket"
local unix = require "socket.unix"
local function run(f)
  local co, log = coroutine.create(f), {}
  local results = table.pack(coroutine.resume(co))
  while coroutine.status(co) == "suspended" do
    log[#log + 1] = tostring(results[2])
    results = table.pack(coroutine.resume(co, "back"))
  end
  print(table.concat(log, " "), table.unpack(results, 1, results.n))
end
local server = assert(socket.bind("127.0.0.1", 0))
local a = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
local b = assert(server:accept())
b:send("text\n")

-- select: the methods of elements, and metamethods of elements and sets.
local function duck(name, object)
  return {
    getfd = function() coroutine.yield(name .. ".getfd") return object:getfd() end,
    dirty = function() return coroutine.yield(name .. ".dirty") == nil end,
  }
end
local one, two = duck("one", a), duck("two", b)
run(function() --> expect: one.getfd two.getfd two.getfd one.getfd one.getfd one.dirty two.getfd two.dirty\ttrue\t1\tfalse\t2\tboth\tnil
  local r, w, err = socket.select({ one, two, a }, { two, b, one }, 5)
  return #r, r[1] == a, #w, w[one] and w[b] and "both", err
end)
run(function() --> expect: 1 2 3 1 2 3 1 2 3\ttrue\t1\t2
  local lazy = setmetatable({}, { __index = function(_, key) coroutine.yield(key) return ({ a, b })[key] end })
  local r, w = socket.select(lazy, lazy, 5)
  return #r, #w
end)
run(function() --> expect: getfd getfd getfd dirty asked getfd dirty asked\ttrue\t2\t0\t2.0
  local object = setmetatable({}, { __index = function(_, key)
    coroutine.yield(key)
    if key == "getfd" then return function() return a:getfd() end end
    return function() coroutine.yield("asked") return true end
  end })
  local r, w = socket.select({ object, object }, nil)
  return #r, #w, r[object]
end)
run(function() return pcall(socket.select, { { getfd = function() coroutine.yield("soon") error("fails", 0) end } }) end) --> expect: soon\ttrue\tfalse\tfails

-- Sources, sinks and what is chosen.
local slow = setmetatable({}, { __index = function(self, name)
  return function(_, ...) coroutine.yield(name) return a[name](a, ...) end
end })
run(function() return socket.source("by-length", slow, 5)() end) --> expect: receive\ttrue\ttext --> expect: 
b:send("more")
b:shutdown("send")
run(function() --> expect: getfd receive close\ttrue\ttrue\tmore\tnil
  local source = socket.source("until-closed", slow)
  return source.getfd() == a:getfd(), source(), source()
end)
a = assert(socket.connect("127.0.0.1", (select(2, server:getsockname()))))
b = assert(server:accept())
run(function() --> expect: dirty send close\ttrue\tfalse\t6.0\tchunk\t1\t-1.0
  local sink = socket.sink("close-when-done", slow)
  return sink.dirty(), sink("chunk\n"), b:receive(), sink(nil), a:getfd()
end)
run(function() --> expect: look up call\ttrue\tname\t1\t2
  return socket.choose(setmetatable({}, { __index = function(_, name)
    coroutine.yield("look up")
    return function(...) coroutine.yield("call") return name, ... end
  end }))("name", 1, 2)
end)
socket.connect = function(...) coroutine.yield("instead") return ... end
run(function() return socket.connect6("host", 1) end) --> expect: instead\ttrue\thost\t1\tnil\tnil\tinet6

-- A finalizer of newtry.
run(socket.protect(function() socket.newtry(function() coroutine.yield("finalizer") end)(nil, "message") end)) --> expect: finalizer\ttrue\tnil\tmessage

-- Fields of options, and the library that is called.
local option = setmetatable({}, { __index = function(_, name)
  coroutine.yield(name)
  if name == "on" then return true end
  return 5
end })
run(function() return server:setoption("linger", option), server:getoption("linger").timeout end) --> expect: on timeout\ttrue\t1.0\t5
run(function() return pcall(socket.udp4().setoption, socket.udp4(), "ip-add-membership", option) end) --> expect: multiaddr interface\ttrue\ttrue\tnil\tsetsockopt failed --> expect: printed
run(function() return unix.__call(setmetatable({}, { __index = function() coroutine.yield("stream") return print end }), "printed") end) --> expect: stream\ttrue
