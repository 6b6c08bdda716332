-- What the scheduler of the examples promises.
package.path = "../../examples/socket/?.lua;" .. package.path
local scheduler = require "scheduler"
local socket = require "socket"

-- Time passes for all at once, and the earliest deadline comes first.
local slept, start = {}, socket.gettime()
for i = 1, 300 do
  local seconds = i * 7919 % 10 / 20 + 0.1
  scheduler.spawn(function()
    scheduler.sleep(start + seconds - socket.gettime())
    slept[#slept + 1] = seconds
  end)
end
scheduler.run()
local in_order = true
for i = 2, #slept do in_order = in_order and slept[i - 1] <= slept[i] end
print(#slept, in_order, socket.gettime() - start < 10) --> expect: 300\ttrue\ttrue

-- Functions that wait are for its coroutines.
local function fails(ok, message) print(ok, message:match(": (.*)")) end
fails(pcall(scheduler.sleep, 1)) --> expect: false\tonly coroutines of the scheduler can do this
fails(coroutine.resume(coroutine.create(scheduler.sleep), 1)) --> expect: false\tonly coroutines of the scheduler can do this

local server = assert(socket.bind("127.0.0.1", 0))
local port = select(2, server:getsockname())
server:settimeout(0)
-- Two ends of a connection.
local function pair()
  local client = assert(scheduler.connect("127.0.0.1", port, 10))
  return client, assert(scheduler.accept(server, 10))
end
local function run(f)
  scheduler.spawn(f)
  scheduler.run()
end

-- A time limit holds for the operation, and what has come so far is not lost.
run(function()
  local a, b = pair()
  print(scheduler.receive(a, "*l", 0.02)) --> expect: nil\ttimeout\t
  scheduler.send(b, "abc")
  print(scheduler.receive(a, "*l", 0.02)) --> expect: nil\ttimeout\tabc
  print(scheduler.accept(server, 0.02)) --> expect: nil\ttimeout
  print(scheduler.wait_readable(a, 0.02)) --> expect: nil\ttimeout
  print(scheduler.wait_writable(a, 0.02)) --> expect: true\tnil
  -- A deadline that is not reached wakes nobody later.
  scheduler.spawn(function() scheduler.sleep(0.01) scheduler.send(b, "line\n") end)
  print(scheduler.receive(a, "*l", 0.05)) --> expect: line\tnil\tnil
  scheduler.sleep(0.1)
  scheduler.close(b)
  print(scheduler.receive(a)) --> expect: nil\tclosed\t
  print(scheduler.send(b, "x")) --> expect: nil\tclosed\t0.0
  scheduler.close(a)
end)

-- One coroutine a direction; closing wakes.
run(function()
  local a, b = pair()
  scheduler.spawn(function() print("other", scheduler.receive(a)) end)
  coroutine.yield()
  fails(pcall(scheduler.receive, a)) --> expect: false\tanother coroutine waits for this socket
  scheduler.close(a) --> expect: other\tnil\tclosed\t
  scheduler.close(b)
end)

-- Much data, to one who is in no hurry.
run(function()
  local a, b = pair()
  local much = ("0123456789abcdef"):rep(1 << 17)
  scheduler.spawn(function()
    print(scheduler.send(a, much .. "\n")) --> expect: 2097153.0\tnil\tnil
    scheduler.close(a)
  end)
  scheduler.sleep(0.05)
  print(scheduler.receive(b) == much) --> expect: true
  print(scheduler.receive(b)) --> expect: nil\tclosed\t
  scheduler.close(b)
end)

-- Who never has to wait lets others go on nevertheless.
run(function()
  local a, b = pair()
  local others = 0
  scheduler.send(a, ("\n"):rep(1000))
  scheduler.spawn(function() for _ = 1, 5 do others = others + 1 coroutine.yield() end end)
  for _ = 1, 1000 do assert(scheduler.receive(b)) end
  print(others) --> expect: 5
  scheduler.close(a) scheduler.close(b)
end)

-- A failure is reported, and is nobody else's.
function scheduler.failed(co, message) print(coroutine.status(co), message) end
run(function()
  scheduler.spawn(function() scheduler.sleep(0.01) error("failed", 0) end) --> expect: dead\tfailed
  scheduler.sleep(0.02)
  print("others go on") --> expect: others go on
end)

-- Stopping keeps all as it is.
run(function()
  scheduler.stop()
  scheduler.sleep(0.01)
  print("went on") --> expect: stopped --> expect: went on
end)
print("stopped")
scheduler.run()

-- Nobody listens here any more.
server:close()
run(function() print(scheduler.connect("127.0.0.1", port, 10)) end) --> expect: nil\tconnection refused
