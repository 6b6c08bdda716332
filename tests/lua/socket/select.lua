-- Waiting for many.
local socket = require "socket"
local server = assert(socket.bind("127.0.0.1", 0))
local port = select(2, server:getsockname())
local function pair()
  local a = assert(socket.connect("127.0.0.1", port))
  return a, assert(server:accept())
end
local a, b = pair()
local c, d = pair()
local names = { [a] = "a", [b] = "b", [c] = "c", [d] = "d", [server] = "server" }
-- What is in a result: the list, and the number of each object.
local function show(set)
  local list = {}
  for i, object in ipairs(set) do list[i] = (names[object] or tostring(object)) .. "=" .. tostring(set[object]) end
  table.sort(list)
  local count = 0
  for _ in pairs(set) do count = count + 1 end
  return #set .. "/" .. count .. " {" .. table.concat(list, " ") .. "}"
end
local function try(...)
  local readable, writable, err = socket.select(...)
  print(show(readable), show(writable), err)
end

try({ a, b }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
try({ a, b }, nil, 0.02) --> expect: 0/0 {}\t0/0 {}\ttimeout
try(nil, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
try({}, {}, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
try(nil, { a, b }, 0) --> expect: 0/0 {}\t2/4 {a=1.0 b=2.0}\tnil
try({ a, b }, { a, b }) --> expect: 0/0 {}\t2/4 {a=1.0 b=2.0}\tnil
a:send("one\ntwo\n")
try({ a, b }, nil) --> expect: 1/2 {b=1.0}\t0/0 {}\tnil
try({ b, a, d, c }, { c }, 20) --> expect: 1/2 {b=1.0}\t1/2 {c=1.0}\tnil
print(b:receive()) --> expect: one\tnil\tnil
try({ a, b }, nil, 20) --> expect: 1/2 {b=1.0}\t0/0 {}\tnil
print(b:dirty()) --> expect: true
d:send("x")
try({ d, c, b, a }, nil, 20) --> expect: 2/4 {b=1.0 c=2.0}\t0/0 {}\tnil
print(b:receive(), c:receive(1)) --> expect: two\tx\tnil\tnil
try({ b, a, d, c }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout

-- The server is ready when somebody comes, the client when it is connected.
try({ server }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
local e = socket.tcp()
e:settimeout(0)
e:connect("127.0.0.1", port)
names[e] = "e"
try({ server }, { e }, 20) --> expect: 1/2 {server=1.0}\t1/2 {e=1.0}\tnil
local f = server:accept()
names[f] = "f"
try({ server }, { e, f }, 20) --> expect: 0/0 {}\t2/4 {e=1.0 f=2.0}\tnil
e:close()
try({ f }, nil, 20) --> expect: 1/2 {f=1.0}\t0/0 {}\tnil
print(f:receive()) --> expect: nil\tclosed\t

-- An object twice, and one that comes in both sets.
a:send("more")
try({ b, b }, { b, b }, 20) --> expect: 1/2 {b=1.0}\t1/2 {b=1.0}\tnil
print(b:receive(2)) --> expect: mo\tnil\tnil
try({ b, b }, { b }, 20) --> expect: 2/3 {b=2.0 b=2.0}\t1/2 {b=1.0}\tnil
print(b:receive(2)) --> expect: re\tnil\tnil

-- Closed sockets, and what has no descriptor, are passed over.
try({ e, a }, { e }, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
try({ socket.tcp(), {}, "text", { getfd = function() return -1 end }, { getfd = function() return "no" end } }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
try({ [1] = a, [3] = b }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout

-- Anything with a descriptor can be waited for.
local log = {}
local duck = {
  getfd = function(self) log[#log + 1] = "getfd" return b:getfd() end,
  dirty = function(self) log[#log + 1] = "dirty" return self.is_dirty end,
}
names[duck] = "duck"
try({ duck }, nil, 0) --> expect: 0/0 {}\t0/0 {}\ttimeout
print(table.concat(log, " ")) log = {} --> expect: getfd getfd dirty
a:send("x")
try({ duck }, { duck }, 20) --> expect: 1/2 {duck=1.0}\t1/2 {duck=1.0}\tnil
print(table.concat(log, " ")) log = {} --> expect: getfd getfd getfd dirty
print(b:receive(1)) --> expect: x\tnil\tnil
duck.is_dirty = true
try({ duck, a }, nil, 20) --> expect: 1/2 {duck=1.0}\t0/0 {}\tnil
try({ duck, b }, { a }, 20) --> expect: 1/2 {duck=1.0}\t1/2 {a=1.0}\tnil
duck.is_dirty = false
a:send("x")
try({ duck, b }, nil, 20) --> expect: 1/2 {b=1.0}\t0/0 {}\tnil
print(b:receive(1)) --> expect: x\tnil\tnil
local text = setmetatable({}, { __index = function(_, key) log[#log + 1] = key return key == "getfd" and function() return tostring(b:getfd()) end or nil end })
names[text] = "text"
log = {}
try({ text }, { text }, 0) --> expect: 0/0 {}\t1/2 {text=1.0}\tnil
print(table.concat(log, " ")) --> expect: getfd getfd getfd dirty
local lazy = setmetatable({}, { __index = function(_, i) return ({ a, b })[i] end })
try(lazy, lazy, 0) --> expect: 0/0 {}\t2/4 {a=1.0 b=2.0}\tnil

print(pcall(function() socket.select({ 5 }, nil, 0) end)) --> expect: false\tattempt to index a number value
print(pcall(function() socket.select({ { getfd = function() error("own", 0) end } }, nil, 0) end)) --> expect: false\town
print(pcall(function() socket.select({ { getfd = function() return a:getfd() end, dirty = function() error("own", 0) end } }, nil, 0) end)) --> expect: false\town
print(pcall(function() socket.select({ { getfd = 5 } }, nil, 0) end)) --> expect: false\tattempt to call a number value

-- A descriptor that was closed is an error.
local stale = a:getfd()
a:close()
print(pcall(function() socket.select({ { getfd = function() return stale end } }, nil, 0) end)) --> expect: false\tselect.lua:105: select failed

-- What has no descriptor is passed over, in whatever way it has none.
local none = { "text", {}, { getfd = function() return "none" end }, { getfd = function() return -5 end }, socket.tcp(),
  { getfd = function() return nil end, dirty = function() error("is not asked") end } }
local readable, writable, err = socket.select(none, none, 0)
print(#readable, #writable, err) --> expect: 0\t0\ttimeout
none[#none + 1] = { getfd = function() return tostring(math.tointeger(server:getfd())) end }
local readable, writable, err = socket.select(none, none, 0)
print(#readable, #writable, err) --> expect: 0\t0\ttimeout
